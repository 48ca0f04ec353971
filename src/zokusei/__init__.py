"""zokusei (属性): attribute tagging for anime illustrations."""

__version__ = "0.1.0"
