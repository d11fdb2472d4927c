"""Counting where the data are: the engine counts the rows in the bins of a reference, and only counts come back.

Each function is in the file of its engine, so that only that engine has to be installed. The counts are those that
`Accumulator.update` gives for the same rows, to the integer.
"""
