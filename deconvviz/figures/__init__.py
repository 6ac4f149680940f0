"""Pictures of signals: one signed scale whose zero stays neutral, montages, and figures for print and download.

matplotlib is used through its `Figure` objects only, one for each call: nothing here is shared between threads.
"""
