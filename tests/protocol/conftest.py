from hypothesis import settings

# No test may depend on how fast the machine is.
settings.register_profile("hubline", deadline=None)
settings.load_profile("hubline")
