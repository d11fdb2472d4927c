"""`python -m failsoft` is the command `failsoft`."""

from failsoft.cli import main

main()
