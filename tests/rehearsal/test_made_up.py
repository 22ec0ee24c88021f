"""Made-up texts: of the shape of what they stand for, and taken by a server as they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fanout.core.submitted_text import checked_text
from fanout.rehearsal.recording.acts import Shape
from fanout.rehearsal.recording.made_up import made_up, pseudonym, shape_of

SHAPES = st.builds(Shape, *(st.integers(0, 60) for _ in range(4)), st.integers(0, 2))
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Mn", "Me", "Cf")), max_size=80)


@given(SHAPES, st.integers(0, 2**48), st.booleans())
def test_a_made_up_text_is_as_long_in_characters_and_bytes_as_what_it_stands_for(
    shape: Shape, words: int, marked: bool
):
    mark = " [at 12345678901234]" if marked else ""
    text = made_up(shape, words, mark)
    made = shape_of(text)
    assert (made.one, made.two, made.three, made.four) == (shape.one, shape.two, shape.three, shape.four)
    assert made.links <= shape.links
    assert text.endswith(mark) or shape.one <= len(mark)
    assert made_up(shape, words, mark) == text
    if text:
        assert checked_text(text) == text, "the server takes it as it is"


@given(TEXTS)
def test_the_shape_of_a_text_has_its_length(text: str):
    shape = shape_of(text)
    assert shape.four == sum(character > "\uffff" for character in text)
    assert shape.one == sum(character < "\x80" for character in text)
    assert shape.one + shape.two + shape.three + shape.four == len(text)
    assert shape.one + 2 * shape.two + 3 * shape.three + 4 * shape.four == len(text.encode())


def test_links_stay_links_and_the_same_words_stay_the_same():
    shape = shape_of("See https://a.org/b and http://c.org, or www.d.org, and tell me.")
    assert shape.links == 3
    assert shape_of(made_up(shape, 1)).links == 3
    assert made_up(shape, 1) != made_up(shape, 2)


@given(st.integers(0, 10**6), st.integers(0, 200))
def test_a_pseudonym_is_as_long_as_the_name_where_it_can_be(person: int, size: int):
    name = pseudonym(person, size)
    assert len(name) <= 40
    assert str(person) in name
