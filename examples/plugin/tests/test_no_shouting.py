import pytest
from fanout_no_shouting import NoShouting

from fanout.plugins import ConfigurationError
from fanout.testing.plugin_bench import on_bench
from fanout.testing.recorded_texts import recorded_texts


@pytest.mark.parametrize("text", recorded_texts("shouting"))
@on_bench(NoShouting)
async def test_shouting_is_rejected_and_its_author_reads_why(bench, text):
    outcome = await bench.submit(text, by="anna")
    assert (outcome.kind, outcome.rule) == ("reject", "capitals")
    assert "capitals" in outcome.reason


@pytest.mark.parametrize("kind", ["questions_en", "questions_fr", "sms_fr"])
@on_bench(NoShouting)
async def test_what_people_ask_passes(bench, kind):
    for text in recorded_texts(kind):
        assert (await bench.submit(text, source="sms")).kind is None, text


@on_bench(NoShouting)
async def test_a_word_or_two_in_capitals_is_for_a_human(bench):
    outcome = await bench.submit("WHY DOES THE ANSWER come in August?")
    assert (outcome.kind, outcome.submission.state) == ("hold", "held")


@on_bench(lambda: NoShouting(least_letters=30))
async def test_short_texts_may_be_shouted(bench):
    assert (await bench.submit("BRAVO BRAVO BRAVO")).kind is None


def test_a_share_that_is_none_is_refused_at_the_start():
    with pytest.raises(ConfigurationError):
        NoShouting(most=70)
