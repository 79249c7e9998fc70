"""The money: from a path's monthly energy to debt service, default and the equity's return."""
