"""What can be drawn: exactly 100 attribute classes, named as Danbooru names them.

Chosen so that a picture has 6.3 of them on average, as in the paper, with everything labelled that
can be seen: what nearly every picture has (long hair, a blush, a simple background) is drawn but
is no class. Colours have gaps between them that are drawn too and have no name here: a skirt is
black, blue, or of a colour that is neither.
"""

from zokusei.tags import TagSet

HAIR_COLOURS = (
    *("black_hair", "blonde_hair", "brown_hair", "pink_hair", "blue_hair", "white_hair"),
    *("grey_hair", "purple_hair", "red_hair", "green_hair", "orange_hair", "aqua_hair"),
)
EYE_COLOURS = (
    *("blue_eyes", "red_eyes", "purple_eyes", "green_eyes", "yellow_eyes"),
    *("brown_eyes", "pink_eyes", "orange_eyes", "grey_eyes", "aqua_eyes"),
)
HAIR_STYLES = (
    *("short_hair", "twintails", "ponytail", "side_ponytail", "braid", "twin_braids"),
    *("hair_bun", "double_bun", "ahoge", "blunt_bangs", "hair_over_one_eye"),
)
FACE = ("smile", "open_mouth", "closed_eyes", "one_eye_closed", "tears")
CREATURE = (
    *("cat_ears", "rabbit_ears", "fox_ears", "pointy_ears", "horns", "halo", "wings", "tail"),
)
WORN = (
    *("hat", "witch_hat", "crown", "headphones", "hairband", "hair_bow", "hair_ribbon"),
    *("hair_flower", "maid_headdress", "glasses", "sunglasses", "eyepatch"),
    *("earrings", "choker", "necklace"),
)
CLOTHES = (
    *("white_dress", "black_dress", "blue_dress", "red_dress", "black_skirt", "blue_skirt"),
    *("jacket", "school_uniform", "serafuku", "kimono", "apron", "necktie", "bowtie", "scarf"),
    *("cape", "black_gloves", "white_gloves", "boots"),
)
HELD = (*("sword", "book", "phone", "cup", "bag", "flower", "umbrella", "microphone", "food"),)
PLACE = ("outdoors", "indoors", "sky", "water", "tree", "window", "night")
FRAMING = ("portrait", "upper_body", "cowboy_shot", "full_body", "sitting")

GROUPS = {
    "hair colour": HAIR_COLOURS,
    "eye colour": EYE_COLOURS,
    "hair style": HAIR_STYLES,
    "face": FACE,
    "creature": CREATURE,
    "worn": WORN,
    "clothes": CLOTHES,
    "held": HELD,
    "place": PLACE,
    "framing": FRAMING,
}
"""What each class is about."""

DRAWN_TAGS = TagSet.from_names([name for names in GROUPS.values() for name in names])
"""Every tag a drawn picture can have, in the order of its labels."""

IMPLIED = {
    "twin_braids": "braid",
    "double_bun": "hair_bun",
    "witch_hat": "hat",
    "serafuku": "school_uniform",
}
"""Tags that come with another one, as Danbooru's implications do."""
