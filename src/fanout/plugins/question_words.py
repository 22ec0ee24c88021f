"""What a question asks, as a set of features that other wordings of it share: French, English, and how phones write it.

A word counts by its consonants as they are heard (`inscription`, `inscrire` and `inskription` are one), words that only
hold a sentence together don't count, and a few that mean the same at an event are one (`billet`, `ticket`, `place`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from fanout.plugins.folding import folded

MAX_WORDS: Final = 60
"""Words of a text that are looked at: the question comes first, and longer ones are stories."""

_REMEMBERED_WORDS: Final = 16_384
"""Words whose feature is kept: those of a whole evening."""

_SHORT_SKELETON: Final = 3
"""With fewer consonants, a word counts as it is: `bar` is no `bière`."""

_SKELETON: Final = 4
"""Consonants that count: endings come after them."""

_HOLDS_TOGETHER: Final = """
a ai aie ait alors apres as au aussi aux avec avez avoir avons bcp bien bjr bonjour bonsoir bsr c ca car ce cela ces
cet cette chez ci comme coucou d dans de des deja dire dis dit donc dont ds du e elle elles en encore es esk eske est
et etait etant ete etes etre eu eux fait faire faut g il ils j je jai juste k ke kel kelle koi l la le les leur
lui m ma mais me meme merci mes mg moi mon mr n ne ni nos notre nous on ont ou par pas peut peux plait plus pour pouvez
pouvoir pr put q qe qu que quel quelle quelles quels qui quoi s sa salut sans savoir se sera serait seront ses si sil
slt soit son sont stp su suis sur svp t ta te tes toi ton tous tout toute toutes tres tu un une va vais vas veut veux
voici voila voudrais vos votre vous vs vont y
am an and any anyone are at be been being but by can could dear did do does doing for from get go going got had has have
hello hey hi how i if in into is it its just know like may me might my of off or our out please pls plz should so some
somebody someone than thank thanks that the their them then there these they this those to too u ur us want was we
were what which will with wonder wondering would yes you your
"""
_GLUE: Final = frozenset(_HOLDS_TOGETHER.split())

_MEANS: Final = {
    word: f"={group[0]}"
    for group in (
        line.split()
        for line in """
start debut debute debutent debuter commence commencent commencer demarre demarrer starts starting begin begins
end fin fini finit finir finira termine terminer ends finish finishes finished over
ticket tickets billet billets place places billetterie entree entrees entry
replay rediffusion revoir rediffuse rewatch recording recorded enregistre enregistrement enregistree
free gratuit gratuite gratuits gratuites gratuitement gratos
child enfant enfants children kids kid gamin gamins mineur mineurs
parking garer park stationner stationnement parkings
next prochain prochaine prochains prochaines prochainement
question questions demande
concert concerts show spectacle spectacles gig
""".strip().splitlines()
    )
    for word in group
}

_ASKS: Final = {
    word: group[0]
    for group in (
        line.split()
        for line in """
?when quand kan kand qd qand when heure heures h date jour time
?where ouu where lieu endroit adresse location address
?why pourquoi pk pq pkoi prkoi pourkoi why raison
?who who whom
?much combien cb kombien much many
?price prix tarif tarifs cout coute coutent couter cher price prices cost costs pricing
""".strip().splitlines()
    )
    for word in group[1:]
}
"""What kind of answer a question wants. Two that want different ones are not the same, whatever else they share."""

_WORD = re.compile(r"[^\W_]+")
_FOR_THE_EAR: Final = (
    ("eaux", "o"), ("qu", "k"), ("ph", "f"), ("ch", "x"), ("sh", "x"), ("ce", "se"), ("ci", "si"), ("cy", "si"),
    ("ck", "k"), ("c", "k"), ("q", "k"), ("z", "s"), ("h", ""), ("w", "v"),
)  # fmt: skip
_VOWELS = str.maketrans("", "", "aeiouy")
_TWICE = re.compile(r"(.)\1+")


_NONE: Final[frozenset[str]] = frozenset()
_NOTHING: Final = frozenset({""})
"""What a word that counts for nothing stands for."""


class Features(NamedTuple):
    """What is compared.

    Args:
        words: What it is about.
        asks: What kind of answer it wants; empty: unknown.
        exact: What both must have or neither: numbers, and whether it is about the end.
    """

    words: frozenset[str]
    asks: frozenset[str]
    exact: frozenset[str]


def features(text: str) -> Features:
    """Of a text as it was sent."""
    if "ù" in text or "Ù" in text:  # without its accent, `où` would be `ou`
        text = text.replace("où", "ouu").replace("Où", "ouu").replace("OÙ", "ouu")
    words = frozenset(map(_feature, _WORD.findall(folded(text))[:MAX_WORDS])) - _NOTHING
    marked = [each for each in words if not "a" <= each[0] <= "z"]  # most texts have none
    if not marked:
        return Features(words, _NONE, _NONE)
    asks = frozenset([each for each in marked if each[0] == "?"])
    exact = frozenset([each for each in marked if each[0].isdecimal() or each == "=end"])
    return Features(words, asks, exact)


@lru_cache(_REMEMBERED_WORDS)
def _feature(word: str) -> str:
    """What stands for a word; empty: nothing."""
    if word in _ASKS:
        return _ASKS[word]
    if word in _GLUE:
        return ""
    if word in _MEANS:
        return _MEANS[word]
    if word[0].isdecimal():
        return word[:12]
    heard = word
    for written, sound in _FOR_THE_EAR:
        heard = heard.replace(written, sound)
    heard = _TWICE.sub(r"\1", heard)
    if len(heard) > 3:
        heard = heard.rstrip("sxe") or heard
    skeleton = heard[:1] + heard[1:].translate(_VOWELS)
    return skeleton[:_SKELETON] if len(skeleton) >= _SHORT_SKELETON else heard[:12]
