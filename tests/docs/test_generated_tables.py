"""The tables that are made from the code stand in the pages as the code has them."""

import pytest

from tests.docs.generated import DOCS, TABLES, place, renewed


@pytest.mark.parametrize(("page", "name"), list(TABLES))
def test_a_table_made_from_the_code_is_up_to_date(page: str, name: str):
    text = (DOCS / page).read_text()
    assert place(name).search(text), "the page says where its table goes"
    assert renewed(page, name, text) == text, "run: python -m tests.docs.generated"
