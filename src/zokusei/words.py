"""Danbooru tags as English words, for whatever knows words and not tags."""

import re

_NUMBERS = ("zero one two three four five six seven eight nine").split()

# What a face in characters shows.
_EMOTICONS = {
    ":d": "open mouth smile", ";d": "wink open mouth smile", "xd": "closed eyes laughing",
    ":)": "smile", ";)": "wink smile", ":(": "frown", ":<": "frown", ">:(": "angry frown",
    ">:)": "evil smile", ":o": "surprised open mouth", ";o": "wink open mouth",
    "o3o": "puckered lips", ":3": "cat mouth smile", ";3": "wink cat mouth",
    ":p": "tongue out", ";p": "wink tongue out", ":q": "tongue licking lips",
    ";q": "wink tongue licking lips", ":t": "pout", ":i": "pout", ":/": "doubtful mouth",
    ":|": "straight mouth", ":x": "closed mouth", ":>": "smile", "c:": "smile", "d:": "dismay",
    "^_^": "happy closed eyes", "^o^": "happy closed eyes open mouth", ">_<": "tightly closed eyes",
    "=_=": "tired closed eyes", "-_-": "annoyed closed eyes", "u_u": "sad closed eyes",
    "o_o": "wide eyes", "0_0": "wide eyes", "@_@": "dizzy eyes", "+_+": "sparkling eyes",
    "x_x": "unconscious eyes", "t_t": "crying eyes", ";_;": "crying eyes", ">_o": "wink",
    "._.": "blank eyes", "|_|": "blank eyes", "\\m/": "horns hand sign",
    "\\o/": "arms up", "!": "exclamation mark", "!!": "exclamation marks",
    "?": "question mark", "??": "question marks", "!?": "exclamation question mark",
    "^^^": "surprise lines", "...": "silence dots", "+++": "plus signs",
}  # fmt: skip

# Words of the drawing world that no English vocabulary has, or has with another meaning.
_GLOSSARY = {
    "ahoge": "hair antenna", "serafuku": "sailor school uniform", "seifuku": "school uniform",
    "koma": "comic panel", "yukata": "summer kimono", "hakama": "japanese trousers",
    "haori": "japanese jacket", "fundoshi": "japanese loincloth", "chibi": "small cute figure",
    "kemonomimi": "animal ears", "nekomimi": "cat ears", "megane": "glasses",
    "zettai": "absolute", "ryouiki": "territory", "tsurime": "upturned eyes",
    "tareme": "drooping eyes", "jitome": "half closed eyes", "sanpaku": "white eyes",
    "yaeba": "fang tooth", "futon": "japanese bed", "geta": "wooden sandals",
    "obi": "kimono belt", "randoseru": "school backpack", "vtuber": "virtual streamer",
}  # fmt: skip


def split_tag(name: str) -> list[str]:
    """Write a tag as the words it is made of.

    Underscores, hyphens and brackets part words, a number before a letter becomes a word of its
    own, and a face in characters becomes what it shows.

    >>> split_tag("hair_over_one_eye"), split_tag("star_(symbol)"), split_tag("2girls")
    (['hair', 'over', 'one', 'eye'], ['star', 'symbol'], ['two', 'girls'])
    >>> split_tag(":d")
    ['open', 'mouth', 'smile']
    """
    name = name.lower().strip()
    if name in _EMOTICONS:
        return _EMOTICONS[name].split()
    plain = re.sub(r"'s\b|'", "", name.replace("_", " "))
    parts = re.findall(r"\d+|[^\W\d_]+", plain)
    digits = [len(part) == 1 and part.isdecimal() for part in parts]
    return [
        _NUMBERS[int(part)] if digit else part for part, digit in zip(parts, digits, strict=True)
    ]


def explain_word(word: str) -> list[str]:
    """Give the English words for a word of the drawing world; nothing where there are none.

    >>> explain_word("ahoge"), explain_word("hair")
    (['hair', 'antenna'], [])
    """
    return _GLOSSARY.get(word, "").split()


def split_compound(word: str, ranks: dict[str, int], shortest: int = 3) -> list[str]:
    """Part a word that was written together into two that a vocabulary has.

    Of all ways the one whose rarer half is the most frequent: `twin tails` and not `twint ails`.

    Args:
        word: that the vocabulary lacks.
        ranks: position of each word in a list sorted by frequency.
        shortest: letters a half must have; two letters are a word of some language always.

    >>> split_compound("twintails", {"twin": 10, "tails": 30, "twint": 900, "ails": 500})
    ['twin', 'tails']
    >>> split_compound("zzzzzz", {"twin": 10})
    []
    """
    halves = [(word[:cut], word[cut:]) for cut in range(shortest, len(word) - shortest + 1)]
    known = [pair for pair in halves if pair[0] in ranks and pair[1] in ranks]
    return list(min(known, key=lambda pair: max(ranks[pair[0]], ranks[pair[1]]), default=()))
