"""What single lessons need beside kitlib.lab: presets, policies, admission, and figures that one lesson draws.

In: frames and connections of a lab. Out: checks, generated cases, figures.
"""
