"""What the project promises about speed, measured: `python -m benchmarks [NAME…]` (`make bench`).

Each module here has a function `measure`, which returns a dict: `benchmark` (its name), what was measured, and where
something was promised `ratio` and `bound`: the promise is kept while the ratio is at most the bound.
"""
