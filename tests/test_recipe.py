"""Recipes: what they may hold, and that everything else is refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deconvviz.recipe import KEYS, Recipe, RecipeError, digest_of_image

GOOD: dict[str, Any] = {
    "version": 1,
    "model": "caltech",
    "model_digest": "12ab",
    "image": "cat",
    "image_digest": "34cd",
    "layer": "relu3",
    "channel": 7,
    "row": 4,
    "column": 5,
    "rules": ["deconvnet", "guided"],
    "start": "activation",
    "mode": "colour",
    "scale": "shared",
    "limit": 0.25,
}


def test_the_keys_are_written_in_the_documented_order() -> None:
    assert list(GOOD) == list(KEYS)
    assert list(json.loads(Recipe.from_json(json.dumps(GOOD)).to_json())) == list(KEYS)


names = st.text(min_size=1)
numbers = st.integers(0, 10**6)


recipes = st.builds(
    lambda position, **fields: Recipe(row=position[0], column=position[1], **fields),
    position=st.one_of(st.tuples(numbers, numbers), st.just((None, None)), st.just(("all", "all"))),
    model=names,
    model_digest=names,
    image=st.none() | names,
    image_digest=names,
    layer=names,
    channel=numbers,
    rules=st.lists(names, min_size=1).map(tuple),
    start=st.sampled_from(["activation", "one"]),
    mode=st.sampled_from(["colour", "plane"]),
    scale=st.sampled_from(["shared", "own"]),
    limit=st.none() | st.floats(0, 1e30),
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw imports JAX
@given(recipes)
def test_every_recipe_survives_json(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"channel": "7"}, "channel has to be whole number or \"all\"; got '7'"),
        ({"channel": -1}, 'channel has to be whole number or "all"; got -1'),
        ({"channel": True}, 'channel has to be whole number or "all"; got True'),
        ({"channel": 7.0}, 'channel has to be whole number or "all"; got 7.0'),
        ({"row": "some"}, "row has to be whole number or \"all\" or null; got 'some'"),
        ({"row": None}, "row and column go together: give both numbers, both 'all', or neither"),
        ({"rules": "deconvnet"}, "rules has to be list of text; got 'deconvnet'"),
        ({"rules": []}, "a recipe needs at least one rule"),
        ({"start": "two"}, "start is 'activation' or 'one'; got start='two'"),
        ({"mode": "grey"}, "mode is 'colour' or 'plane'; got mode='grey'"),
        ({"scale": "log"}, "scale is 'shared' or 'own'; got scale='log'"),
        ({"limit": -1.0}, "limit is a number from 0 up, or null; got limit=-1.0"),
        ({"limit": float("nan")}, "limit is a number from 0 up, or null; got limit=nan"),
        ({"limit": "big"}, "limit has to be number or null; got 'big'"),
        ({"version": 2}, "the recipe has version 2, this deconvviz reads version 1"),
        ({"layers": "relu3"}, "the recipe has a key 'layers' that is not known; did you mean layer?"),
    ],
)
def test_wrong_values_are_refused_with_the_reason(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.from_json(json.dumps(GOOD | change))
    assert said in str(caught.value)


@pytest.mark.parametrize("key", GOOD)
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(RecipeError, match=f"the recipe lacks {key}; it needs version, model, model_digest"):
        Recipe.from_json(json.dumps({name: value for name, value in GOOD.items() if name != key}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no recipe: it is not JSON"),
        ("{", "no recipe: it is not JSON"),
        ("[1]", r"no recipe: it should be a record; it is \[1\]"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 6000, "a number of 6,000 digits"),
        (json.dumps({**GOOD, "limit": 10**400}), "a number of 401 digits"),
    ],
)
def test_what_is_no_recipe_is_refused(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        Recipe.from_json(text)


@pytest.mark.slow
@given(st.text() | st.binary().map(repr) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(RecipeError):
        Recipe.from_json(text)


def test_a_picture_digest_sees_one_changed_pixel_and_the_shape() -> None:
    image = np.zeros((700, 500, 3), np.float32)
    same = digest_of_image(image.copy(order="F"))
    assert digest_of_image(image) == same
    image[311, 207, 1] = 1e-7
    assert digest_of_image(image) != same
    assert digest_of_image(np.zeros((500, 700, 3), np.float32)) != same
