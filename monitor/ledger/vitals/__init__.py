"""Web Vitals of real users (contracts/commitments.md section 1): samples, tallies of days, windows and verdicts.

Pure. A value is the exact decimal that was reported; every verdict comes from counts, and only a printed percentile
from a histogram.
"""
