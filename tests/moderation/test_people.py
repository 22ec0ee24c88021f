"""Pseudonyms: the same telephone is the same person, in its own event, and nobody can tell which."""

import hmac

import pytest

from fanout.core.principal import Principal, Role
from fanout.errors import InvalidInput
from fanout.moderation.people import People, normal_number, signature, visitor
from fanout.store.memory import MemoryStore


@pytest.mark.parametrize(
    "written",
    [
        *("+33612345678", "0033612345678", "+33 6 12 34 56 78", "00 33-6.12.34.56.78", "06 12 34 56 78", "0612345678"),
        *("33612345678", "+33/6 1234-5678", " +33612345678 "),
    ],
)
def test_one_telephone_has_one_number_however_it_is_written(written):
    assert normal_number(written, "33") == "+33612345678"


def test_without_a_country_a_national_number_stays_as_it_is():
    assert normal_number("06 12 34 56 78") == "0612345678"
    assert normal_number("0033 612345678") == "+33612345678"


def test_short_numbers_are_kept():
    assert normal_number("38200", "33") == "38200"
    assert normal_number("110") == "110"


@pytest.mark.parametrize(
    "written", ["", "12", "abc", "+", "+0612345678", "1" * 16, "٠٦١٢٣٤٥٦٧٨", "x" * 500, None, 612345678]
)
def test_what_is_no_number_is_refused(written):
    with pytest.raises(InvalidInput) as caught:
        normal_number(written, "33")
    assert caught.value.code == "bad_phone"


@pytest.mark.parametrize("country", ["+33", "033", "1234", "FR"])
def test_a_country_code_is_checked_at_the_start(country):
    with pytest.raises(InvalidInput) as caught:
        People(MemoryStore(), country)
    assert caught.value.code == "bad_country"


async def test_a_telephone_is_one_person_in_one_event_and_another_in_the_next():
    store = MemoryStore()
    people = People(store, "33")
    ann, again, bob, nobody = await people.phones(["0612345678", "+33 6 12 34 56 78", "0612345679", "Pizza"])
    assert ann == again
    assert ann != bob
    assert nobody == ""
    assert await People(MemoryStore(), "33").phones(["0612345678"]) != [ann]
    key = await store.phone_key()
    assert ann == "phone:" + hmac.new(key, b"+33612345678", "sha256").hexdigest()
    assert ann.startswith("phone:")
    assert "612345678" not in ann
    assert len(ann) == len("phone:") + 64


def test_staff_sign_with_name_and_role():
    assert signature(Principal(Role.SCRIBE, "Sue")) == "Sue (scribe)"
    assert signature(Principal(Role.SCRIBE)) == "scribe"
    assert (visitor("ann"), visitor("")) == ("visitor:ann", "")
