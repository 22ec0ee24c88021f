"""What is being typed: the newest state, within its limits, and gone when it should be."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.core.typed_lines import (
    FORGOTTEN_AFTER_SECONDS,
    MAX_TYPED_CHARACTERS,
    MAX_TYPED_LINES,
    TypedLine,
    Typing,
    TypingNews,
    typed_text,
    typing_interval_seconds,
)

NAMES = st.sampled_from("abc")
STEPS = st.one_of(
    st.tuples(st.just("write"), NAMES, NAMES, st.text(max_size=3)),
    st.tuples(st.just("end"), NAMES, st.one_of(st.none(), NAMES)),
    st.tuples(st.just("wait"), st.floats(0, FORGOTTEN_AFTER_SECONDS)),
)


def line(text: str | None) -> TypedLine:
    return TypedLine("q1", "Ann", "guest", text)


@given(st.lists(STEPS, max_size=40))
def test_what_is_shown_is_what_was_last_typed_and_neither_ended_nor_old(steps):
    typing, now = Typing(), 0.0
    model: dict[tuple[str, str], tuple[str, float]] = {}
    for step, *rest in steps:
        before = typing.lines
        if step == "write":
            question, name, text = rest
            told = typing.write(question, name, line(text), now)
            model[question, name] = text, now
            if len(model) > MAX_TYPED_LINES:
                del model[min(model, key=lambda key: model[key][1])]
        elif step == "end":
            told = typing.end(*rest)
            model = {key: at for key, at in model.items() if key[0] != rest[0] or rest[1] not in (None, key[1])}
        else:
            now += rest[0]
            told = typing.forget(now)
            model = {key: at for key, at in model.items() if now - at[1] < FORGOTTEN_AFTER_SECONDS}
        assert [shown.text for shown in typing.lines] == [text for text, _ in model.values()]
        assert len(typing.lines) <= MAX_TYPED_LINES
        assert told or typing.lines == before, "something changed, and nobody was told"


@given(st.lists(st.one_of(st.none(), st.lists(st.sampled_from("xy"), max_size=2))))
def test_whoever_is_told_ends_with_the_newest_state_and_hears_of_no_end_without_a_beginning(heard):
    news, newest, seen = TypingNews(), (), ()
    for lines in heard:
        if lines is None:
            told = news.take()
            if told is not None:
                assert told or seen, "an end of nothing"
                seen = told
        else:
            newest = tuple(line(text) for text in lines)
            news.hear(newest)
            assert news.heard
    told = news.take()
    assert (seen if told is None else told) == newest
    assert news.take() is None
    assert not news.heard


@given(st.text(max_size=2 * MAX_TYPED_CHARACTERS))
def test_of_a_long_line_the_end_is_shown(text):
    shown = typed_text(text)
    assert len(shown) <= MAX_TYPED_CHARACTERS
    assert shown == text or (shown[0] == "…" and text.endswith(shown[1:]))


def test_the_more_listen_the_less_often_they_are_told():
    assert [typing_interval_seconds(told) for told in (0, 1, 10_000, 20_000)] == [1.0, 1.0, 1.0, 2.0]


def test_of_too_many_lines_the_one_that_was_left_longest_goes():
    typing = Typing()
    for number in range(MAX_TYPED_LINES):
        typing.write("q", str(number), line(str(number)), float(number))
    typing.write("q", "0", line("0 again"), 10.0)
    typing.write("q", "new", line("new"), 11.0)
    assert [shown.text for shown in typing.lines] == ["0 again", "2", "3", "new"]
