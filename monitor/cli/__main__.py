"""`python -m monitor.cli` is `minutebook`."""

from monitor.cli import main

main()
