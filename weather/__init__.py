"""Stochastic weather: real records in, fitted climates, ensembles of years out."""
