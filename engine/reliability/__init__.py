"""Does a fleet carry its load? Shortage of any system of units, variable resources and stores."""
