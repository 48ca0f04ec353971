"""Five English sentences about a picture, as people write them of photographs.

Each names some of what can be seen and nothing else. What is no class (a shirt, long hair) is
named from the parts of the drawing that can be seen.
"""

import random
from collections.abc import Collection, Sequence

from zokusei.corpora.drawn.attributes import EYE_COLOURS, HAIR_COLOURS
from zokusei.corpora.drawn.chance import pick
from zokusei.corpora.drawn.clothes import outfit
from zokusei.corpora.drawn.hair import loose
from zokusei.corpora.drawn.scene import DRESSES, Scene

CAPTIONS = 5
"""Captions of a picture, as many as Flickr8k has."""

_STYLES = {
    "twintails": "twintails",
    "ponytail": "a ponytail",
    "side_ponytail": "a side ponytail",
    "twin_braids": "two braids",
    "braid": "a braid",
    "double_bun": "two buns",
    "hair_bun": "a bun",
}
_WORN = {
    "witch_hat": "a witch hat",
    "hat": "a hat",
    "crown": "a golden crown",
    "headphones": "headphones",
    "hairband": "a hairband",
    "hair_bow": "a bow in her hair",
    "hair_ribbon": "a ribbon in her hair",
    "hair_flower": "a flower in her hair",
    "maid_headdress": "a maid headdress",
    "glasses": "glasses",
    "sunglasses": "sunglasses",
    "eyepatch": "an eyepatch",
    "earrings": "earrings",
    "choker": "a choker",
    "necklace": "a necklace",
    "necktie": "a necktie",
    "bowtie": "a bow tie",
    "scarf": "a scarf",
    "cape": "a cape",
    "apron": "an apron",
    "jacket": "a jacket",
    "black_gloves": "black gloves",
    "white_gloves": "white gloves",
    "boots": "boots",
}
_BODY = {
    "cat_ears": "cat ears",
    "rabbit_ears": "rabbit ears",
    "fox_ears": "fox ears",
    "pointy_ears": "pointed ears",
    "horns": "horns",
    "wings": "wings",
    "tail": "a tail",
    "halo": "a halo above her head",
}
_TOPS = {
    "tee": "a t-shirt",
    "shirt": "a buttoned shirt",
    "hoodie": "a hoodie",
    "sweater": "a turtleneck sweater",
    "straps": "a sleeveless top",
    "blouse": "a blouse",
    "dress": "a t-shirt",
}
_HELD = {
    "sword": "a sword",
    "book": "a book",
    "phone": "a phone",
    "cup": "a cup",
    "bag": "a bag",
    "flower": "a flower",
    "umbrella": "an umbrella",
    "microphone": "a microphone",
    "food": "some food",
}


def write_captions(scene: Scene, tags: Collection[str], parts: Collection[str]) -> tuple[str, ...]:
    """Describe a scene in five sentences, of which no two are the same if enough can be said.

    Args:
        scene: what was drawn.
        tags: what of it can be seen.
        parts: which parts of the drawing can be seen.
    """
    rng, facts = scene.rng("captions"), _Facts(scene, frozenset(tags), frozenset(parts))
    captions: list[str] = []
    for _ in range(8 * CAPTIONS):
        caption = _write(rng, facts)
        if caption not in captions:
            captions.append(caption)
        if len(captions) == CAPTIONS:
            break
    return tuple(captions)


class _Facts:
    """Phrases for what can be seen, by what they are about."""

    def __init__(self, scene: Scene, tags: frozenset[str], parts: frozenset[str]) -> None:
        self.scene, self.tags, self.parts = scene, tags, parts

    def hair(self, rng: random.Random) -> str:
        """Describe the hair: length, colour and how it is worn."""
        colour = next((tag for tag in HAIR_COLOURS if tag in self.tags), "")
        length = "short" if "short_hair" in self.tags else ""
        if loose(self.scene) and "back hair" in self.parts:
            length = "long"
        words = [length if rng.random() < 0.6 else "", colour.removesuffix("_hair"), "hair"]
        worn = next((phrase for tag, phrase in _STYLES.items() if tag in self.tags), "")
        phrase = " ".join(word for word in words if word)
        return f"{phrase} in {worn}" if worn and rng.random() < 0.7 else phrase

    def body(self) -> list[str]:
        """List what the figure has: eyes, ears, wings."""
        eyes = [tag.replace("_", " ") for tag in EYE_COLOURS if tag in self.tags]
        return eyes + self._phrases(_BODY)

    def clothes(self) -> list[str]:
        """List what the figure wears, the main piece first."""
        main = []
        kind = outfit(self.scene)
        if dress := next((tag for tag in DRESSES if tag in self.tags), ""):
            main.append(f"a {dress.replace('_', ' ')}")
        elif "kimono" in self.tags:
            main.append("a kimono")
        elif "serafuku" in self.tags:
            main.append("a sailor school uniform")
        elif "school_uniform" in self.tags:
            main.append("a school uniform")
        elif kind == "separates" and "top" in self.parts:
            main.append(_TOPS[self.scene.top])
        elif kind == "dress" and "dress" in self.parts:
            main.append("a dress")
        skirt = next((tag for tag in ("black_skirt", "blue_skirt") if tag in self.tags), "")
        if skirt:
            main.append(f"a {skirt.replace('_', ' ')}")
        worn = {
            tag: text
            for tag, text in _WORN.items()
            if not (tag == "hat" and "witch_hat" in self.tags)
        }
        return main + self._phrases(worn)

    def action(self, rng: random.Random) -> list[str]:
        """List what the figure does, as participles."""
        held = self._phrases(_HELD)
        doing = [f"holding {_join(held)}"] if held else []
        if "sitting" in self.tags:
            doing.append(pick(rng, ("sitting", "sitting down")))
        elif "full_body" in self.tags:
            doing.append("standing")
        if "smile" in self.tags:
            doing.append("smiling")
        if "one_eye_closed" in self.tags:
            doing.append("winking")
        if "tears" in self.tags:
            doing.append("crying")
        return doing

    def face(self) -> list[str]:
        """List how the face looks, to follow "with"."""
        looks = []
        if "open_mouth" in self.tags:
            looks.append("her mouth open")
        if "closed_eyes" in self.tags:
            looks.append("her eyes closed")
        if "hair_over_one_eye" in self.tags:
            looks.append("hair over one eye")
        return looks

    def place(self, rng: random.Random) -> str:
        """Say where the figure is."""
        tags = self.tags
        options = []
        if "window" in tags:
            options += ["in front of a window", "by a window"]
        if "indoors" in tags:
            options += ["in a room", "indoors"]
        if "tree" in tags:
            options.append(pick(rng, ("under the trees", "near a tree")))
        if "water" in tags:
            options.append(pick(rng, ("by the water", "in front of the water")))
        if "night" in tags:
            options += ["at night", "under a night sky"]
        elif "sky" in tags and "window" not in tags:
            options += ["under the sky", "in front of a cloudy sky"]
        if "outdoors" in tags:
            options.append("outdoors")
        if "backdrop" in self.parts and self.scene.backdrop in ("white", "plain"):
            ground = "white" if self.scene.backdrop == "white" else "plain"
            options += [f"in front of a {ground} background", f"against a {ground} background"]
        return pick(rng, options) if options else ""

    def _phrases(self, names: dict[str, str]) -> list[str]:
        return [text for tag, text in names.items() if tag in self.tags]


def _write(rng: random.Random, facts: _Facts) -> str:
    """Write one sentence after one of several patterns."""
    who = pick(rng, ("a girl", "a girl", "a young woman", "an anime girl", "a character"))
    doing = facts.action(rng)
    action = pick(rng, doing) if doing and rng.random() < 0.8 else ""
    place = facts.place(rng) if rng.random() < 0.7 else ""
    some_clothes = _some(rng, facts.clothes(), 1 + int(rng.random() * 2))
    wearing = _join(some_clothes) if rng.random() < 0.75 else ""
    features = _some(rng, [facts.hair(rng), *facts.body()], 1 + int(rng.random() * 2))
    looks = facts.face()
    if looks and rng.random() < 0.4:
        features.append(pick(rng, looks))
    having = _join(features)
    pattern = int(rng.random() * 5)
    if pattern == 0:
        verb = f"is {action}" if action else f"is wearing {wearing}" if wearing else "is shown"
        rest = f" and wearing {wearing}" if action and wearing else ""
        text = f"{who} with {having} {verb}{rest} {place}"
    elif pattern == 1:
        wears = f"in {wearing}" if wearing else f"with {having}"
        text = f"{who} {wears} {action or (f'with {having}' if wearing else '')} {place}"
    elif pattern == 2:
        wears = f" wearing {wearing}" if wearing else ""
        text = f"there is {who} with {having}{wears} {place}"
    elif pattern == 3:
        wears = f"wears {wearing}" if wearing else f"has {having}"
        text = f"{who} {wears} while {action} {place}" if action else f"{who} {wears} {place}"
    else:
        lead = f"{action} {place}".strip()
        text = f"{lead}, {who} has {having}" if lead else f"{who} has {having}"
        if wearing:
            text += f" and wears {wearing}"
    text = " ".join(text.split())
    return f"{text[0].upper()}{text[1:]}."


def _some(rng: random.Random, options: Sequence[str], count: int) -> list[str]:
    """Choose up to `count` of the options, in their order."""
    left = list(options)
    while len(left) > count:
        left.pop(int(rng.random() * len(left)))
    return left


def _join(phrases: Sequence[str]) -> str:
    """Join phrases as a list is spoken.

    >>> _join(["a hat", "a scarf", "boots"])
    'a hat, a scarf and boots'
    """
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"
