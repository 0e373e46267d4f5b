"""The three ways through the house: analyse a shot, grade a shot, train a preset.

Nothing is imported here, so that the command line can read the settings without loading the networks.
"""
