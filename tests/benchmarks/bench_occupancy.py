"""How often 95 % intervals of occupancy and detection hold the truth; by hand, not by pytest.

python tests/benchmarks/bench_occupancy.py [--surveys 500] [--seed 1] [--designs 80x8 60x6 100x10 20x5]

Surveys are drawn from the model at ψ 0.1, 0.5, 0.9 and p 0.1, 0.3. Printed are the shares of intervals that hold the
truth, of estimates at a bound (with the share of these whose interval of ψ holds the truth), and of intervals that
reach 1. Designs as small as 20 x 5 are there to see where the intervals break down, not to pass.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from survey_simulations import coverage


def main() -> None:
    """Draw, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surveys", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--designs", nargs="*", default=["80x8", "60x6", "100x10", "20x5"])
    asked = parser.parse_args()
    print("design   psi    p   psi covered  p covered  at a bound (covered)  reaches 1")
    for design in asked.designs:
        sites, visits = (int(part) for part in design.split("x"))
        for psi in (0.1, 0.5, 0.9):
            for p in (0.1, 0.3):
                told = coverage(psi, p, sites=sites, visits=visits, surveys=asked.surveys, seed=asked.seed)
                n = told.surveys
                covered = f"{told.bound_covers / told.at_a_bound:.3f}" if told.at_a_bound else "-"
                print(
                    f"{design:7} {psi:4} {p:4}        {told.psi / n:.3f}      {told.p / n:.3f}"
                    f"        {told.at_a_bound / n:.3f} ({covered})      {told.open_above / n:.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
