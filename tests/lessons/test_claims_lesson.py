"""The lesson of the claims: every card opens in both languages, verdicts on screen are those of the code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import practice
import pytest
from jax import lax
from reference import formula_loops
from streamlit.testing.v1 import AppTest

import deconvviz as dv
from deconvviz.articles import claim_cutouts
from deconvviz.articles.claims import CLAIMS, ENOUGH, Judgement, Runs, Subject, judge
from deconvviz.articles.formulas import FORMULAS
from lessons import claims as lesson
from lessons._kit.claims import card
from lessons._kit.claims import words as claim_words
from lessons._kit.draw import bars
from lessons._kit.form.page import discover
from lessons.claims import questions

SLUG = lesson.LESSON.slug
#: Claims that need no trained network of the catalogue.
QUICK = ("C1", "C2", "C4", "C6", "C8", "C9", "C11", "C20", "C25")


def words(test: AppTest) -> str:
    assert not test.exception
    return " ".join(element.value for element in test.markdown)


def test_every_claim_and_formula_has_its_words() -> None:
    assert list(claim_words.TITLES) == [*CLAIMS, *FORMULAS]
    assert {id: FORMULAS[id].computes for id in FORMULAS} == claim_words.COMPUTES
    assert {id: FORMULAS[id].note for id in FORMULAS if FORMULAS[id].note} == claim_words.REMARKS
    measured = {id: claim for id, claim in CLAIMS.items() if not claim.why}
    assert {claim.id: claim.data.replace(" x ", " × ") for claim in measured.values()} == claim_words.DATA
    assert {id: claim.why for id, claim in CLAIMS.items() if claim.why} == claim_words.further.WHY
    for claim in measured.values():
        given = set(re.findall(r'"(holds|fails|only if)"', inspect.getsource(claim.rule)))
        wanted = given | ({"open"} if claim.stored else set())
        assert set(claim_words.SENTENCES[claim.id]) - {"not shown"} == wanted
        assert {claim.id} <= claim_words.CAPTIONS.keys() & claim_words.NUMBERS.keys()


class Asked(dict[str, tuple[float, ...]]):
    """Numbers that remember which of them were asked for."""

    def __init__(self, values: Mapping[str, tuple[float, ...]]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> tuple[float, ...]:
        self.names.add(name)
        return super().__getitem__(name)


def small_network() -> Subject:
    """Two convolutions and two scores, random: every claim about a network can be measured on it at once."""
    random = np.random.default_rng(4)
    kernels = [jnp.asarray(random.standard_normal(s), jnp.float32) for s in ((3, 3, 3, 4), (3, 3, 4, 5))]
    dense = jnp.asarray(random.standard_normal((5, 2)), jnp.float32)

    def forward(x: jax.Array) -> jax.Array:
        for kernel in kernels:
            x = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.nn.relu(x)
        return x.mean((1, 2)) @ dense

    network = dv.Network(forward, input_spec=dv.InputSpec(size=(10, 12)))
    return Subject(network, random.standard_normal((6, 10, 12, 3)).astype(np.float32))


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.parametrize("id", CLAIMS)
def test_a_card_shows_every_number_that_its_verdict_rests_on(id: str) -> None:
    """To the digit that decides it: the numbers as they are shown give the verdict of the numbers as they are."""
    claim = CLAIMS[id]
    judgement = judge(claim, small_network() if claim.subject else None)
    if claim.why:
        assert card.sentence(id, judgement) == f"Nothing here can be measured: {claim.why}."
        return
    shown = {
        tuple(bar.values): tuple(rounded(bar, value) for value in bar.values)
        for _, table, _ in card.tables(id, judgement)
        for bar in table
    }
    asked = Asked(judgement.runs.values)
    verdict = claim.rule(Runs(asked))
    assert asked.names
    hidden = {name for name in asked.names if tuple(judgement.runs.values[name]) not in shown}
    assert not hidden, f"the rule of {id} rests on numbers that its card does not show: {sorted(hidden)}"
    as_shown = {name: shown.get(tuple(row), row) for name, row in judgement.runs.values.items()}
    assert claim.rule(Runs(as_shown)) == verdict
    said = card.basis(claim, judgement)
    assert claim_words.DATA[id] in said
    if claim.stored is not None:
        assert f"`{claim.stored().command}`, stored on {claim.stored().date}." in said
        assert judgement.kind in ("one run", "not shown") or judgement.runs.count >= ENOUGH


def rounded(bar: bars.Bar, value: float) -> float:
    """A number of a bar as a reader sees it."""
    text = bars.Bar("", (value,), whole=bar.whole, digits=bar.digits).text
    return float(text.replace("−", "-").replace("∞", "inf").replace(" ", ""))


@pytest.mark.deep
def test_too_few_runs_give_no_verdict() -> None:
    kinds = {id: judge(CLAIMS[id]) for id in ("C6", "C9")}
    assert [kinds[id].kind for id in kinds] == ["not shown", "one run"]
    assert [kinds[id].runs.count for id in kinds] == [5, 1]
    assert "1 run" not in card.basis(CLAIMS["C1"], judge(CLAIMS["C1"]))
    assert "5 runs, seeds 0 to 4" in card.basis(CLAIMS["C1"], judge(CLAIMS["C1"]))
    low, high = kinds["C6"].runs.interval("times none")
    assert f"t interval is {low:.3g} to {high:.3g}" in card.sentence("C6", kinds["C6"])
    said = card.sentence("C9", kinds["C9"])
    figures = kinds["C9"].runs
    assert f"{100 * figures.mean('transposed'):.2f} % with transposed" in said
    assert "One run is no verdict; 5 are needed." in said
    assert "were not compared" in said


def test_the_card_of_the_cut_out_tells_accuracy_and_robustness_apart() -> None:
    accurate, robust = judge(CLAIMS["C8"]), judge(CLAIMS["C11"])
    said = card.sentence("C8", accurate)
    assert said.startswith(f"The cut-out overlaps the true object by {accurate.runs.mean('none'):.3g}")
    said = card.sentence("C11", robust)
    assert f"Robust: noise of 0.2 takes {robust.runs.mean('lost noise 0.2'):.3g} of the overlap" in said
    assert f"they take {robust.runs.mean('slipped noise 0.2'):.3g}" in said
    assert "14 photographs. Stored" in card.basis(CLAIMS["C11"], robust)
    worst = max((f"lost {name}" for name in claim_cutouts.names()), key=robust.runs.mean)
    assert worst == "lost noise 0.2"


@pytest.mark.deep
def test_cards_lead_to_lessons(open_page: Callable[..., AppTest]) -> None:
    assert set(claim_words.LESSONS) == set(FORMULAS)
    slugs = {page.slug for page in discover()}
    wanted = {claim.lesson for claim in CLAIMS.values()} | set(claim_words.LESSONS.values())
    assert {"convolution-and-its-adjoint", "upsampling-and-checkerboards", "laboratory"} <= wanted & slugs
    labels = [button.label for button in open_page(SLUG, card="C3").button]
    assert "See for yourself: Upsampling and checkerboards" in labels


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("id", QUICK)
def test_the_card_says_what_the_code_found(id: str, language: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, card=id, lang=language)
    kind = judge(CLAIMS[id]).kind
    chinese = {"only if": "仅当", "fails": "不成立", "not shown": "尚无定论", "one run": "仅一次运行",
               "holds": "成立", "not measurable": "无法测量"}  # fmt: skip
    word = chinese[kind] if language == "zh" else claim_words.KINDS[kind][0]
    heading = next(element.value for element in test.markdown if element.value.startswith("### "))
    assert f"[**{word}**]" in heading
    page = " ".join(str(element.proto.body) for element in test.get("html"))
    assert CLAIMS[id].says.chinese in page
    assert (CLAIMS[id].says.english.split("'")[0] in page) == (language == "en")
    latex = " ".join(element.value for element in test.latex)
    assert all(FORMULAS[f].printed_latex in latex and FORMULAS[f].corrected_latex in latex for f in CLAIMS[id].formulas)


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("id", FORMULAS)
def test_every_formula_has_a_card(id: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, card=id, lang="zh" if id < "F002.3" else "en")
    latex = " ".join(element.value for element in test.latex)
    assert FORMULAS[id].printed_latex in latex
    labels = practice.verdicts(test)
    assert sum("holds" in label or "成立" in label for label in labels) == 2
    assert not test.exception


def test_a_changed_formula_turns_the_badges_red(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "errors", lambda id: {"said": (0.5,), "equals": (0.1,), "corrected": (1e-8,),
                                                          "corrected_said": (0.0,)})  # fmt: skip
    test = open_page(SLUG, card="F002.1")
    labels = practice.verdicts(test)
    assert sum("fails" in label for label in labels) == 1
    assert "misses what the article says by 50 %" in words(test)


@pytest.mark.slow
def test_a_network_claim_without_weights_says_so(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "subject", lambda: None)
    monkeypatch.setattr(card, "_JUDGED", {})
    said = words(open_page(SLUG, card="C10"))
    assert "[**not measured**] It needs a trained network to look at (`deconvviz.models.weights`)" in said


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize(("id", "kind"), [("C5", "only if"), ("C7", "fails"), ("C10", "only if")])
def test_the_shipped_network_is_judged(id: str, kind: str, open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, card=id)
    assert claim_words.KINDS[kind][0] in next(m.value for m in test.markdown if m.value.startswith("### "))
    assert card.judged(id).kind == kind


@pytest.mark.deep
def test_the_board_remembers_and_leads_to_the_card(open_page: Callable[..., AppTest]) -> None:
    test = open_page(SLUG, card="C2")
    labels = {button.key: button.label for button in test.button}
    assert "fails" in labels["board-C2"]
    test.button("board-C3").click().run()
    assert "Only by a stride" in words(test)


@pytest.mark.slow
def test_an_unknown_card_in_a_link_is_no_error(open_page: Callable[..., AppTest]) -> None:
    assert "orthonormal" in words(open_page(SLUG, card="C99"))


@pytest.mark.parametrize("card", ["F003.1", "C2"])
def test_the_code_on_the_page_runs(card: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "lessons" not in lesson.call(lesson.State(card))
    exec(lesson.call(lesson.State(card)), {})
    assert ("fails" if card == "C2" else "equals") in capsys.readouterr().out


def test_numbers_of_sentences_are_those_measured() -> None:
    judgement = Judgement("only if", Runs({"adjoint": (0.25, 0.75)}))
    assert "misses x by 50.0 %" in card.sentence("C1", judgement)
    assert bars.Bar("x", (-0.25,)).text == "−0.25"
    drawn = bars.to_html("c", [bars.Bar("x", (-0.25,)), bars.Bar("y", (1.0,))])
    assert "width: 20%; margin-left: 0%" in drawn
    assert "width: 80%; margin-left: 20%" in drawn
    assert "width: 100%" in bars.to_html("c", [bars.Bar("x", (float("inf"),))])


@pytest.mark.sampled(11, check=16)
@pytest.mark.parametrize("seed", range(20))
def test_answers_are_those_of_the_loops(seed: int) -> None:
    question = questions.constant(seed)
    x, w = (plane.values for plane in question.picture[0].planes)
    out = formula_loops.f001_1_printed(x[:, :, None], w[:, :, None, None])
    assert question.answer == (int(out[0, 0]),)
    question = questions.window(seed)
    i, j = map(int, re.findall(r"i = (\d), j = (\d)", question.prompt)[0])
    out = formula_loops.f003_2_printed(question.picture[0].planes[0].values, 2, 2)
    assert question.answer == (int(out[i, j]),)
    question = questions.network_size(seed)
    (rows,) = map(int, re.findall(r"has (\d+) rows", question.prompt))
    assert question.answer == ((rows - 2) // 2 * 8,)


@pytest.mark.deep
def test_the_quotes_are_chinese_and_the_translations_are_not() -> None:
    for record in (*CLAIMS.values(), *FORMULAS.values()):
        assert re.search(r"[\u4e00-\u9fff]", record.says.chinese)
        assert not re.search(r"[\u4e00-\u9fff]", record.says.english)
    assert np.isfinite(lesson.worst(("F002.1",), "equals"))
