"""The benches run and report; how fast things are is not judged here."""
