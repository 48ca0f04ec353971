"""The checker behind the shapes in annotations."""

from beartype import BeartypeConf, beartype

# An int is a float to a type checker (PEP 484), so it is one here.
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
