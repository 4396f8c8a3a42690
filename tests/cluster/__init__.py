"""Tests of kitlib.cluster."""
