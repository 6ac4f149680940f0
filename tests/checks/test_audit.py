"""The whole audit, on networks whose answer is known; stopped and resumed; the report; what it refuses."""

from __future__ import annotations

import ast
import dataclasses
import functools
import json
import re
from html import escape
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import ship_audit
from jax import lax
from reference import audit_loops

import deconvviz as dv
from deconvviz import api, catalog
from deconvviz.checks.audit import card, controls, intervals, page, run, sentences, similarity, words
from deconvviz.checks.audit.card import measured, table
from deconvviz.data import _formats, images
from deconvviz.errors import DataError, DeconvvizError, NetworkError
from deconvviz.types import Unit

RANDOM = np.random.default_rng(2)
SIZE = (16, 18)
SPEC = dv.InputSpec(size=SIZE, mean=0.5, std=0.25)
LINEAR = jnp.asarray(RANDOM.normal(size=(*SIZE, 3, 3)).reshape(-1, 3), jnp.float32)
KERNEL = jnp.asarray(RANDOM.normal(size=(3, 3, 3, 3)), jnp.float32)
TOP = jnp.asarray(RANDOM.normal(size=(3, 3)), jnp.float32)
PICTURES = [RANDOM.uniform(size=(*SIZE, 3)) for _ in range(3)]
FEW = ("gradient", "gradient_x_input", "occlusion")


def conv(x: Any) -> Any:
    return jax.nn.relu(lax.conv_general_dilated(x, KERNEL, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")))


@functools.cache
def linear() -> dv.Network:
    return dv.Network(lambda x: x.reshape(x.shape[0], -1) @ LINEAR, input_spec=SPEC, name="linear")


@functools.cache
def audited() -> Any:
    return dv.audit(linear(), PICTURES, (*FEW, "guided", "grad_cam", "integrated_gradients"))


@pytest.mark.slow
def test_a_linear_network_is_told_exactly() -> None:
    found = audited()
    rows = found.table
    assert rows["gradient"]["infidelity"].mean < 1e-9
    assert rows["gradient_x_input"]["infidelity"].mean < 1e-9
    assert rows["integrated_gradients"]["infidelity"].mean < 1e-9
    for control in ("noise", "shifted"):  # its slope is the same everywhere; moved back, it is not
        assert (rows["gradient"][control].mean > 0.999) == (control == "noise")
    assert abs(rows["gradient"]["random weights: all layers"].mean) < 0.2
    assert abs(rows["gradient"]["another class, signed"].mean) < 0.2
    weights = np.asarray(LINEAR, np.float64).reshape(*SIZE, 3, 3)
    of_all = [similarity.similarities(weights[..., one["unit"][1]], weights.sum(axis=-1)) for one in found.pictures]
    for control, metric in (("all units", "rank"), ("all units, signed", "signed")):
        assert rows["gradient"][control].mean == pytest.approx(np.mean([one[metric] for one in of_all]), abs=1e-6)
    assert rows["gradient_x_input"]["deletion grey"].low > 0
    assert rows["gradient_x_input"]["insertion grey"].low > 0
    assert found.adjoint is not None
    assert found.adjoint < 1e-5
    assert "no rectifier" in found.refused["guided"]
    assert "needs a convolution below the unit" in found.refused["grad_cam"]
    assert any(line.startswith("Guided backprop was refused: no rectifier") for line in found.sentences)
    assert any(line.startswith("Only 3 pictures") for line in found.sentences)


@pytest.mark.slow
def test_noise_and_agreement_with_occlusion_equal_their_twins() -> None:
    def scores(x: Any) -> Any:
        return conv(x).mean(axis=(1, 2)) @ TOP

    network = dv.Network(scores, input_spec=SPEC, name="bent")
    row = dv.audit(network, PICTURES[:1], ("gradient", "occlusion"), seed=3).table["gradient"]
    x = (PICTURES[0] - 0.5) / 0.25
    top = int(np.argmax(scores(jnp.asarray(x, jnp.float32)[None])[0]))

    def strength(x: np.ndarray) -> np.ndarray:
        slope = jax.grad(lambda x: scores(x)[0, top])(jnp.asarray(x, jnp.float32)[None])[0]
        return np.abs(np.asarray(slope, np.float64)).sum(axis=-1)

    after = strength(audit_loops.grainy(x, 3))
    assert row["noise"].mean == pytest.approx(audit_loops.spearman(strength(x), after), abs=1e-3)
    patch = controls.options(network, "occlusion")["patch"]

    def score(x: np.ndarray) -> float:
        return float(scores(jnp.asarray(x, jnp.float32)[None])[0, top])

    falls = audit_loops.covered(score, x, np.zeros_like(x), patch)
    wanted = audit_loops.spearman(audit_loops.box_mean(strength(x), patch), falls)
    assert row["occlusion"].mean == pytest.approx(wanted, abs=1e-3)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_and_a_stopped_audit_goes_on(tmp_path: Path) -> None:
    file, seen = tmp_path / "a.partial", []

    def stop(done: int, every: int) -> None:
        seen.append((done, every))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dv.audit(linear(), PICTURES, FEW, resume=file, progress=stop)
    assert seen == [(0, 3), (1, 3), (2, 3)]
    assert len(json.loads(file.read_text())["pictures"]) >= 2, "the third may have been done beside the second"
    whole = dv.audit(linear(), PICTURES, FEW)
    resumed = dv.audit(linear(), PICTURES, FEW, resume=file)
    plain = [{k: str(v) for k, v in one.table["occlusion"].items()} for one in (whole, resumed)]
    assert plain[0] == plain[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "MOST_AT_ONCE", 1)
        alone = dv.audit(linear(), PICTURES, FEW)
        patch.setattr(controls, "findings", None)  # no error of the library: not a picture that is left out
        with pytest.raises(TypeError, match="not callable"):
            dv.audit(linear(), PICTURES, FEW)
    assert page.as_json(dataclasses.replace(alone, seconds=0)) == page.as_json(dataclasses.replace(whole, seconds=0))
    other = dv.audit(linear(), PICTURES[:1], FEW[:1], seed=3, resume=file)  # another audit does not read that file
    assert len(other.pictures) == 1
    assert list(other.table) == ["gradient"]
    file.write_text("no")
    with pytest.raises(DataError, match=r"no file of an unfinished audit \(it is not JSON .*\); delete it"):
        dv.audit(linear(), PICTURES, FEW, resume=file)


@pytest.mark.deep
def test_a_network_that_ignores_its_top_layer_keeps_its_map() -> None:
    ignoring = dv.Network(
        lambda x: conv(x).mean((1, 2)) + 0 * (conv(x).mean((1, 2)) @ TOP), input_spec=SPEC, name="ignoring"
    )
    row = dv.audit(ignoring, PICTURES, ["gradient"], unit=(ignoring.layers[-1].name, 1)).table["gradient"]
    assert row["random weights: top layer"].mean == 1
    assert row["random weights: top layer, ssim"].mean == 1
    assert row["random weights: all layers"].mean < 0.9
    mixed = dv.Network(lambda x: conv(x).mean((1, 2)) @ TOP, input_spec=SPEC, name="mixed")
    row = dv.audit(mixed, PICTURES, ["gradient"]).table["gradient"]
    assert row["random weights: top layer"].mean < 0.999


@pytest.mark.slow
def test_constant_scores_are_said() -> None:
    constant = dv.Network(lambda x: 0 * conv(x).mean((1, 2)) + 2, input_spec=SPEC, name="constant")
    found = dv.audit(constant, PICTURES, ["gradient", "occlusion"])
    assert any("the same value, 2, for every picture" in line for line in found.sentences)
    assert found.table["gradient"]["zero"].mean == 1
    assert {one.count for control, one in found.table["gradient"].items() if control != "zero"} == {0}
    assert {step.count for steps in found.curves["gradient"].values() for step in steps} == {0}
    about = [line for line in found.sentences if line.startswith("Gradient: ")]
    assert len(about) == 1
    assert "its map is zero everywhere on 3 of 3 pictures" in about[0]


@pytest.mark.slow
def test_the_report_is_whole_in_both_languages(tmp_path: Path) -> None:
    found = audited()
    for language in words.LANGUAGES:
        text = found.to_html(tmp_path / f"{language}.html", language).read_text("utf-8")
        assert f'<html lang="{language}">' in text
        assert "width=device-width" in text
        assert not [mark for mark in ("http:", "https:", "<script", "<link", "url(") if mark in text]
        assert text.count("data:image/png;base64,") == len(found.examples) > 4
        assert ("可信吗" in text) == (language == "zh")
        assert str(found.table["occlusion"]["noise"]) in text
        assert f"<figcaption>{'Occlusion: network' if language == 'en' else '遮挡法：原网络'}</figcaption>" in text
        assert ("rectifiers obey" in text.partition("<pre>")[2].partition("</pre>")[0]) == (language == "en")
        assert text.count("<polygon") == text.count("<polyline") == 4 * len(found.curves), "each with its error"
    record = json.loads(found.to_json(tmp_path / "a.json").read_text("utf-8"))
    assert record["table"]["gradient"]["noise"]["count"] == 3
    assert record["sentences"] == list(found.sentences)
    assert record["versions"]["jax"] == jax.__version__
    with pytest.raises(DeconvvizError, match="language='fr' is no choice"):
        found.to_html(tmp_path / "a.html", "fr")


def test_the_picture_of_a_report_is_in_its_colours() -> None:
    """Before, a network that is fed blue first had an orange suit in blue."""
    spec = dataclasses.replace(SPEC, channels="BGR")
    network = dv.Network(lambda x: x.reshape(x.shape[0], -1) @ LINEAR, input_spec=spec, name="blue first")
    x = api.model_input(network, PICTURES[0])
    (shown,) = run._examples(network, x, Unit("dense1", 0), (), 0).values()
    np.testing.assert_allclose(shown, (PICTURES[0] - 0.5) / 0.25, atol=1e-5)


@pytest.mark.slow
def test_a_report_is_read_again_from_either_file(tmp_path: Path) -> None:
    found = audited()
    json_file, html_file = found.to_json(tmp_path / "r.json"), found.to_html(tmp_path / "r.html", "zh")
    text = page.as_json(found)
    for file in (json_file, html_file):
        again = page.read(file.read_bytes())
        assert page.as_json(again) == text
        assert page.table(again.table, "zh") in html_file.read_text("utf-8")
        assert "".join(page.curves(again.curves, "zh")) in html_file.read_text("utf-8")
    mean = text.replace('"mean": ', '"mean": "much", "was": ', 1)
    renamed = text.replace('"guided"', '"guidad"')
    empty = json.dumps(json.loads(text) | {"pictures": []})
    for data, said in (
        (b"", "it is not JSON"), (b"[]", "it should be a record"), (b"<html></html>", "holds no numbers of one"),
        (b"\xff\xd8\xff", "it is not JSON"), (text[:-9].encode(), "it is not JSON"), (b'{"network": 3}', "network"),
        (mean.encode(), "mean should be a number or null; it is 'much'"), (empty.encode(), "it is of no picture"),
        (renamed.encode(), "it names the method 'guidad', which is not here"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=r"this is no report of an audit: .*open the FILE\.json") as error:
            page.read(data)
        assert said in str(error.value)


def test_every_method_has_a_card_measured_on_the_shipped_network() -> None:
    """Other weights, or another method, ask for a new measurement."""
    record = measured()
    assert record["digest"] == dv.load("caltech").digest
    assert set(record["table"]) == set(catalog.methods())
    for name in catalog.methods():
        for language in words.LANGUAGES:
            about = card(name, language)
            assert min(len(about.assumes), len(about.limits), len(about.measured), len(about.where)) > 0
    assert "do not read the class from it" in " ".join(card("guided").measured)
    with pytest.raises(DeconvvizError, match="there is no method 'guidde'"):
        card("guidde")


def test_every_text_of_the_report_is_translated() -> None:
    known = words.chinese()
    cards = [text for one in catalog.methods().values() for text in (one.assumes, one.limits)]
    missing = [text for text in (*page.COLUMNS, *cards, *_said()) if text not in known]
    assert not missing
    for english, chinese in (known | words.refusals()).items():
        assert sorted(_places(english)) == sorted(_places(chinese)), english
        plain = re.sub(r"\{[^}]*\}", "字", chinese)
        assert not re.search(r"[一-鿿][,:;?()]|[,:;?()][一-鿿]", plain), chinese


def _refused(work: Any) -> str:
    with pytest.raises(DeconvvizError) as caught:
        work()
    return str(caught.value)


@pytest.mark.slow
def test_refusals_are_chinese_in_a_chinese_report() -> None:
    smooth = dv.Network(lambda x: conv(jax.nn.gelu(x)).mean(axis=(1, 2)), input_spec=SPEC, name="smooth")
    bare = dv.Network(lambda x: x.mean(axis=(1, 2)), input_spec=SPEC, name="bare")
    broken = dv.Network(lambda x: jnp.log(x - 9).mean(axis=(1, 2)), input_spec=SPEC, name="broken")
    whole = dv.Network(lambda x: jax.lax.stop_gradient(x).mean(axis=(1, 2)), input_spec=SPEC, name="whole")
    found = [dv.audit(network, PICTURES[:1], ("gradient", "guided", "grad_cam")) for network in (smooth, bare)]
    said = [why for one in found for why in (*one.refused.values(), *one.skipped.values(), *one.coverage.values())]
    said += [_refused(lambda net=net: dv.audit(net, PICTURES[:1], ("gradient",))) for net in (broken, whole)]
    files = [head + b"......" for head, _ in _formats._HEADS]
    files += [b"\0\0\0\0ftyp" + brand for brand in (b"heic", b"avif", b"mp42")]
    files += [b"", b"BM", b"RIFF....WEBP", b"\1\2\3\4", b"<svg/>", b"<html>", b"Dear reader,"]
    said += [_refused(lambda data=data: images.load(data)) for data in files]
    said += [_refused(lambda data=data: page.read(data)) for data in (b"<p>", b"{", b"[]", b"[" * 99 + b"]" * 99)]
    assert len(said) > 30
    for why in said:
        chinese = re.sub(r"（[^）]*）", "", words.translated(why, "zh"))  # what another library says stands in those
        assert not re.search(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+", chinese), why
        assert words.translated(why) == why
    shown = page.as_html(dataclasses.replace(found[0], unreadable={"a.txt": said[-8]}), "zh")
    assert not any(escape(why) in shown.partition("<template")[0] for why in (*found[0].refused.values(), said[-8]))


def _said() -> list[str]:
    """The texts in the source of what writes the report: those handed to `say` or `t`, and sentences of a method."""
    found = []
    for part in ("page", "sentences", "card"):
        for node in ast.walk(ast.parse((Path(page.__file__).parent / f"{part}.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("t", "say") and node.args:
                found += [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
            if isinstance(node, ast.Constant) and str(node.value).startswith("{method}: "):
                found.append(node.value)
    assert len(found) > 30
    return found


def _places(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


def test_what_cannot_be_audited_says_why(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        dv.audit(linear(), tmp_path / "none")
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"none of 1 pictures could be used: a\.png"):
        dv.audit(linear(), tmp_path)
    with pytest.raises(DeconvvizError, match="a folder of pictures, or a list of them; got ndarray"):
        dv.audit(linear(), PICTURES[0])
    with pytest.raises(DeconvvizError, match="there is no method 'guidde'"):
        dv.audit(linear(), PICTURES, ["guidde"])
    with pytest.raises(NetworkError, match="linear has no layer 'nowhere'"):
        dv.audit(linear(), PICTURES, unit=("nowhere", 0))
    broken = dv.Network(lambda x: conv(x).mean((1, 2)) * jnp.nan, input_spec=SPEC, name="broken")
    for work in (dv.audit, dv.audit_forecast):
        with pytest.raises(NetworkError, match="scores of broken hold numbers that are not finite") as error:
            work(broken, PICTURES)
        assert "a unit of it can be audited (unit=('" in str(error.value)


@pytest.mark.deep
def test_a_picture_that_gives_no_finite_scores_is_left_out_and_named() -> None:
    dark = dv.Network(lambda x: conv(x).mean((1, 2)) / (x.max((1, 2, 3)) > -1)[:, None], input_spec=SPEC, name="dark")
    pictures = {"black": np.full_like(PICTURES[0], 0.0), "good": PICTURES[1]}
    found = dv.audit(dark, pictures, ["gradient"])
    assert [one["name"] for one in found.pictures] == ["good"]
    assert found.unreadable["black"].startswith("the scores of dark hold numbers that are not finite")
    assert dv.audit_forecast(dark, pictures, ["gradient"]).pictures == 2


def test_an_interval_over_everything_says_nothing() -> None:
    wide = {"another class": intervals.Interval(0.4, -0.1, 0.8, 0.2, 4)}
    (line,) = sentences.of_method("grad_cam", wide)
    assert line.endswith("0.40 [-0.10, 0.80]: the interval is too wide to say anything; give more pictures.")


def test_a_gain_that_two_digits_do_not_show_is_none() -> None:
    """Before, an untrained network's order of pixels "beat chance in every curve", by 0.0002 of probability."""
    faint = intervals.Interval(-0.0001, 0.0002, 0.001, 0.0001, 4)
    assert str(faint) == "0.00 [0.00, 0.00]"
    (line,) = sentences.of_method("gradient", {"deletion grey": faint})
    assert line == "Gradient: its order of pixels is no better than chance in any curve."
    assert "<td class=" not in page.table({"gradient": {"deletion grey": faint}})
    assert 'class="good"' in page.table({"gradient": {"deletion grey": dataclasses.replace(faint, low=0.01)}})


@pytest.mark.slow
def test_a_saturated_class_is_no_constant_network() -> None:
    found = audited()
    same = [one | {"value": 1.0, "unit": ["logits", k % 2]} for k, one in enumerate(found.pictures)]
    said = " ".join(sentences.sentences(dataclasses.replace(found, pictures=tuple(same))))
    assert "The class found has the same score, 1, for every picture: it is saturated" in said
    assert "constant network" not in said


def test_the_documents_hold_what_was_measured() -> None:
    for name, tables in ship_audit.TABLES.items():
        text = (ship_audit.ROOT / name).read_text("utf-8")
        assert ship_audit.written(text, tables) == text, f"{name}: run scripts/ship_audit.py"
        cell = str(table()["deconvnet"]["another class"])
        assert ship_audit.written(text.replace(cell, "0.00 [0.00, 0.00]"), tables) == text


@pytest.mark.slow
def test_the_forecast_counts_the_passes_of_an_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    network, sent = linear(), {"forward": 0, "back": 0}
    compute = network.store.compiled

    def counted(key: Any, make: Any) -> Any:
        call = compute(key, make)
        if key[0] != "score":
            return call

        def run(consts: Any, xs: Any, *more: Any) -> Any:
            sent["back" if more else "forward"] += len(xs) * (len(more[0]) if more else 1)
            return call(consts, xs, *more)

        return run

    monkeypatch.setattr(network.store, "compiled", counted)
    x = np.asarray(api.model_input(network, PICTURES[0]))
    names = ("gradient", "integrated_gradients", "smoothgrad", "occlusion")
    controls.findings(network, x, run.chosen_unit(network, x, None), names, 0)
    forwards, backs, _ = controls.passes(network, names)
    assert backs == sent["back"]
    assert 0 <= forwards - sent["forward"] <= 0.05 * forwards, "of one picture, what is known is not asked for again"


@pytest.mark.slow
def test_the_forecast_says_time_and_memory() -> None:
    said = dv.audit_forecast(linear(), PICTURES, FEW)
    assert said.pictures == 3
    assert said.seconds > 0
    assert "3 pictures, about" in str(said)
    assert "MB" in str(said)
