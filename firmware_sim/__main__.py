"""`python -m firmware_sim`, the same as `velgate-sim`."""

from firmware_sim.cli import main

main()
