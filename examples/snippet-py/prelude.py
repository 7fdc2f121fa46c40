import json, math, re

WORD = re.compile(r"\w+")


def words(text):
    return WORD.findall(text.lower())
