"""`python -m zokusei`, for launchers that start modules."""

from zokusei.cli import main

main()
