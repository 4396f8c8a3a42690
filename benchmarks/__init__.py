"""What the project promises about speed, measured: `python -m benchmarks [NAME…]` (`make bench`).

Each module without an underscore is a benchmark: its function `measure` returns `Result`s; what it does by default is
what the project's page on benchmarks shows. The others are what they share:

- `_corpus`: what is sent, made from a recording of a real control plane
- `_server`: a server on loopback that sends it
- `_peers`: each client's way to list and to watch
- `_rows`: the same DataFrame of Pods from what each of them returns
- `_contest`: contestants in processes of their own, in turn
- `_large`: a recording of a million rows, made once
- `_profile`: where the time goes in one of them
- `_report`: `build/bench.json`, and the table in `docs/benchmarks.md`
"""
