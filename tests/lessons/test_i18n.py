"""The language of a session, and the catalogue: nothing missing, nothing left over, the same {names} on both sides."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lessons._kit.form import glossary, i18n

messages = pytest.importorskip("messages", reason="Babel is in the dev extra")

LESSONS = Path(__file__).resolve().parents[2] / "lessons"
#: Streamlit calls whose first argument, and whose keywords below, a person reads.
SHOWN = frozenset(
    re.findall(
        r"\w+",
        """title header subheader markdown write caption text error warning info success toast button
        form_submit_button download_button link_button page_link selectbox segmented_control pills radio checkbox
        toggle slider select_slider number_input text_input text_area file_uploader camera_input expander popover
        tabs spinner status metric""",
    )
)
SHOWN_KEYWORDS = {"label", "help", "placeholder", "caption", "alt", "text"}


def test_outside_a_session_texts_stay_english() -> None:
    assert i18n.current_language() == "en"
    assert i18n.t("anything {x} at all", x=3) == "anything 3 at all"


def test_braces_stay_without_values() -> None:
    assert i18n.t("w_{ij}") == "w_{ij}"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(FileNotFoundError):
        i18n.catalogue("xx")


def one_word() -> None:
    """Script of a page that shows one word."""
    import streamlit as st

    from lessons._kit.form import i18n, language

    language.switch()
    st.title(i18n.t("Convolution and its adjoint"))


def title(test: AppTest) -> str:
    assert not test.exception
    return str(test.title[0].value)


def test_the_language_comes_from_the_link() -> None:
    test = AppTest.from_function(one_word, default_timeout=60)
    test.query_params["lang"] = "zh"
    assert title(test.run()) == "卷积及其伴随"


def test_the_language_comes_from_the_switch_and_goes_back() -> None:
    test = AppTest.from_function(one_word, default_timeout=60).run()
    assert title(test) == "Convolution and its adjoint"
    assert title(test.segmented_control("lang-shown").set_value("zh").run()) == "卷积及其伴随"
    assert test.text_input("lang").value == "zh"
    assert title(test.segmented_control("lang-shown").set_value("en").run()) == "Convolution and its adjoint"
    assert test.text_input("lang").value == ""


def test_an_unknown_language_in_a_link_is_english() -> None:
    test = AppTest.from_function(one_word, default_timeout=60)
    test.query_params["lang"] = "tlh"
    assert title(test.run()) == "Convolution and its adjoint"


@pytest.mark.slow
def test_two_sessions_do_not_share_a_language() -> None:
    first, second = AppTest.from_function(one_word, default_timeout=60).run(), AppTest.from_function(one_word).run()
    first.segmented_control("lang-shown").set_value("zh").run()
    assert title(second.run()) == "Convolution and its adjoint"
    assert title(first.run()) == "卷积及其伴随"


@pytest.mark.slow
@pytest.mark.parametrize("language", messages.TRANSLATED)
def test_no_translation_names_other_values(language: str) -> None:
    assert messages.wrong(language) == []


@pytest.mark.slow
@pytest.mark.release
@pytest.mark.parametrize("language", messages.TRANSLATED)
def test_the_catalogue_is_complete(language: str) -> None:
    assert messages.unfinished(language) == []


def test_a_text_without_a_translation_stays_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "current_language", lambda: "zh")
    assert i18n.t("Stride") == "步幅"
    assert i18n.t("Nobody has translated {count} yet", count=3) == "Nobody has translated 3 yet"


@pytest.mark.parametrize("language", messages.TRANSLATED)
def test_a_translated_text_links_the_same_terms(language: str) -> None:
    linked = re.compile(r"\[\[([a-z ]+)")
    pairs = [(str(m.id), str(m.string)) for m in messages.read(language) if m.id and "[[" in str(m.id)]
    assert pairs
    for english, translated in pairs:
        assert set(linked.findall(english)) == set(linked.findall(translated)) <= glossary.TERMS.keys()


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], list[str]]:
    """The problems of the Chinese catalogue after one replacement in its text."""

    def replace(old: str, new: str) -> list[str]:
        source = messages.path("zh").read_text("utf-8")
        assert old in source
        monkeypatch.setattr(messages, "LOCALES", tmp_path)
        messages.path("zh").parent.mkdir(parents=True)
        messages.path("zh").write_text(source.replace(old, new), "utf-8")
        return [*messages.wrong("zh"), *messages.unfinished("zh")]

    return replace


@pytest.mark.sampled(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ('msgid "Stride"', 'msgid "Strides"', "missing: 'Stride'"),
        ('msgid "Stride"', 'msgid "Strides"', "orphan: 'Strides'"),
        ('msgstr "步幅"', 'msgstr ""', "empty: 'Stride'"),
        ('msgid "Stride"', '#, fuzzy\nmsgid "Stride"', "fuzzy: 'Stride'"),
        ('msgstr "下一页：{page}"', 'msgstr "下一页：{seite}"', "other {names}: 'Next: {page}'"),
    ],
)
def test_a_planted_error_in_the_catalogue_is_found(
    broken: Callable[..., list[str]], old: str, new: str, word: str
) -> None:
    assert any(line.startswith(word) for line in broken(old, new))


def hard_wired(tree: ast.AST) -> Iterator[str]:
    """Literals with letters that a person would read and that did not go through `t`.

    A field named like its key is a hidden one that carries a value to and from the URL: nobody reads it.
    """
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SHOWN):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id in ("st", "left", "right", "column")):
            continue
        keys = [k.value.value for k in node.keywords if k.arg == "key" and isinstance(k.value, ast.Constant)]
        shown = node.args[:1] + [k.value for k in node.keywords if k.arg in SHOWN_KEYWORDS]
        for argument in shown:
            parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
            for part in parts:
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and any(map(str.isalpha, part.value)):
                    if part.value in keys:
                        continue
                    yield f"line {node.lineno}: {part.value!r}"


def test_a_planted_literal_is_found() -> None:
    source = "st.title('Hello')\nst.button(t('fine'), help='not')\nst.markdown(f'**{t(x)}** words')\nst.write(t('x'))"
    assert [line.split(": ")[1] for line in hard_wired(ast.parse(source))] == ["'Hello'", "'not'", "'** words'"]


@pytest.mark.slow
def test_no_text_on_a_page_bypasses_the_catalogue() -> None:
    found = [
        f"{file.relative_to(LESSONS.parent)}, {line}"
        for file in sorted(LESSONS.rglob("*.py"))
        for line in hard_wired(ast.parse(file.read_text("utf-8")))
    ]
    assert not found, f"wrap them in t(): {found}"


#: Word of the English text -> what its Chinese must have (one of these), and what it must not.
TERMS = {
    r"\btaps?\b(?!\})": ("核元素|核长", "抽头|核内位置"),
    r"\brectifiers?\b": ("整流器", ""),
    r"\borthonormal\b": ("标准正交", "正交归一"),
    r"\bmean IoU\b": ("平均交并比", "平均 ?IoU"),
    r"\b[Gg]uided\b": ("导向", ""),
    r"\badjoint\b": (r"伴随|\[\[adjoint\]\]", ""),
    r"\b[Tt]ransposed convolution\b": ("转置卷积", "反卷积层"),
    r"\breceptive field\b": ("感受野", ""),
    r"\b[Uu]npooling\b": ("反池化", ""),
    r"\bnull space\b": ("零空间", ""),
    r"\btrimap\b": ("三分图", ""),
    r"\b[Ss]tride\b": ("步幅", "步长"),
    r"\b[Pp]adding\b": ("填充", ""),
    r"\bswitch(es)?\b": ("开关", ""),
    r"\bas printed\b": ("原文", "照印刷"),
    r"\boverfit": ("过拟合", ""),
    r"\bscale\b": ("", "刻度|标度"),
    r"\bunit is dead\b|^dead$": ("失活", ""),
    r"\blearned(\*\*)? decoder\b|decoder is learned|^Learned$": ("学得的解码器|解码器是学得的", "学习"),
    r"picture|map|weights": ("", r"返回的?图|刻度"),
}
#: What no native editor lets stand: German word order, riddles, sentences without a verb, and odd verbs.
ODD = (
    r"\bHow many \w+( and (how many )?columns)? has (the|an?)\b|\b(What|columns) \w* ?has A",
    r"\bAsked is\b|; asked is\b",
    r"\b(How often does|\*\*What|order do) [^.?]*\bstands?\b",
    r"\bstands? (twice|there twice)\b",
    r"\b[Tt]wo helps\b|with(out)? helps\b",
    r"\bask(s|ed)? (z|g|both|the lower|no|nothing)\b|which unit was asked",
    r"^(There|Back): ",
    r"(?<!\bon )\bthe way (there|up|down)\b|\bway back\b",
    r"\bwhich (there )?is not( here)?[.;]",
    r"\bis no (number|rectangle)\b|\bare no rectangle\b",
    r"\banswers with the mean\b|\brestless\b|\bdraws the map\b|\bmeet few\b|\blayer says of it\b",
    r"\btakes (the )?noise\b|, and blurring takes\b",
    r"\bsomething else than\b|\bby heart\b(?!\. On new)|\bhardly to be seen\b|\bshall\b|\bhalf of its way\b",
    r"\bon one photograph fewer\b|\bis true of what is\b|\bfaces? are\.|\bat the (left|right) is\b",
    r"\bor the largest over the colours\b|\bthat is none$|\b[Hh]ow like is\b",
)


@pytest.mark.sampled(check=4)
@pytest.mark.parametrize("kind", ODD)
def test_no_text_has_a_turn_that_is_not_english(kind: str) -> None:
    assert not [text for m in messages.read("zh") if (text := str(m.id)) and re.search(kind, text, re.IGNORECASE)]


def test_the_turns_are_found_where_they_stand() -> None:
    """Sentences that stood on pages, each found by one kind or more."""
    before = (
        "**How many rows has the output?**", "**What contrast has AᵀAx?**", "That is the rank. Asked is what is lost.",
        "What is true of what is written about deconvolution?", "Two helps: the picture is shifted",
        "That takes noise, because it takes everything fine", "a restless background draws the map too",
        "Squared error answers with the mean of what it does not know", "Fixed weights meet few of them",
        "On one photograph fewer do.", "ask the network what the layer says of it", "The gradient asks z",
        "How often does the weight stand in A?", "Back: each output cell lays down a stamp",
        "stripes win where no faces are.", "Known by heart: PSNR", "{question} stands twice; the first counts.",
        "break the way back in four ways", "“{given}” is no number that fits a cell",
    )  # fmt: skip
    assert not [text for text in before if not any(re.search(kind, text, re.IGNORECASE) for kind in ODD)]


@pytest.mark.sampled(4, check=3)
@pytest.mark.parametrize("word", TERMS)
def test_one_term_has_one_rendering(word: str) -> None:
    wanted, banned = TERMS[word]
    pairs = [
        (str(m.id), str(m.string))
        for m in messages.read("zh")
        if m.id and m.string and re.search(word, re.sub(r"{\w+}", "", str(m.id)))
    ]
    assert pairs
    assert not [pair for pair in pairs if not re.search(wanted, pair[1])]
    assert not banned or not [pair for pair in pairs if re.search(banned, pair[1])]


def test_no_text_has_a_code_of_the_register_of_claims() -> None:
    code = re.compile(r"\bC\d+\b(?!\()|\bF\d{3}\b|[Aa]rticles? \d{3}|文章 ?\d{3}")
    assert code.search("Article 004 claims it (C6).")
    pairs = {str(m.id): str(m.string) for m in messages.read("zh") if m.id}
    assert not [text for pair in pairs.items() for text in pair if code.search(text)]


def test_the_reader_is_addressed_in_one_way_and_nothing_is_called_a_proof_that_is_a_comparison() -> None:
    pairs = {str(m.id): str(m.string) for m in messages.read("zh") if m.id and m.string}
    assert not [shown for shown in pairs.values() if "您" in shown]
    assert not [text for text in pairs if re.search(r"\bproofs?\b|\bproves?\b", text) and "not for a proof" not in text]
    assert not [shown for text, shown in pairs.items() if "证明" in shown and "not for a proof" not in text]
    assert not [shown for shown in pairs.values() if re.search(r"\bdeconvnet\b|去程|回程", shown)]


def test_chinese_has_chinese_marks_of_punctuation() -> None:
    """A half-width mark after a character is a slip; in a ratio or an address it stands before a digit or a slash."""
    texts = [str(m.string) for m in messages.read("zh") if m.id and m.string]
    assert not [text for text in texts if re.search(r"[\u4e00-\u9fff）】」》][;,:?!](?![/\d])", text)]


#: Part of an English text that a computation holds -> what its Chinese has to say too, and what it must not say.
SAME_CLAIMS = {
    "only where AᵀA is a multiple of the identity": ("单位矩阵的倍数", "什么也不混合"),
    "all singular values are equal and there is no null space": ("没有零空间", "只有奇异值"),
    "Overfitting is not the same as a gap": ("不是一回事", "差距就是过拟合"),
    "only if it moves by a whole number of strides": ("步幅的整数倍", ""),
    "Which pixels is it connected to": ("与哪些像素相连", "让它这么大"),
    "The same after training": ("训练之后", "同一张图"),
    "One run, no verdict": ("不下结论", "更好"),
}


@pytest.mark.sampled(check=3)
def test_no_lesson_names_articles_and_claims_by_their_numbers() -> None:
    """Nobody outside knows them; the lesson on the claims lists them."""
    code = re.compile(r"[Aa]rticles? 00\d|\b(?:on|\() ?C\d+\b|\bC\d+\)")
    files = [path for path in LESSONS.rglob("*.py") if not {"claims", "programs"} & set(path.parts)]
    texts = [text for path in files for text in messages.texts(ast.parse(path.read_text("utf-8")))]
    assert len(texts) > 1000
    assert not [text for text in texts if code.search(text)]


def bold_that_stays_stars(text: str) -> list[str]:
    """The ends of bold words that Markdown takes for stars: inside a mark of punctuation, outside a letter.

    >>> bold_that_stays_stars("**数一数？**总数"), bold_that_stays_stars("**数一数**？总数")
    (['？**总'], [])
    """
    places = [match.start() for match in re.finditer(r"\*\*", text)]
    stars = []
    for number, place in enumerate(places):
        around = text[place - 1 : place] or " ", text[place + 2 : place + 3] or " "
        outside, inside = around if number % 2 == 0 else around[::-1]
        if unicodedata.category(inside)[0] in "PS" and inside not in "{}" and outside.isalnum():
            stars.append(text[max(0, place - 1) : place + 3])
    return stars


def test_bold_words_are_bold_in_every_language() -> None:
    assert bold_that_stays_stars("**数一数？**总数") == ["？**总"]
    for language in i18n.LANGUAGES:
        for english, said in i18n.catalogue(language).items():
            assert not bold_that_stays_stars(english), english
            assert not bold_that_stays_stars(said), said


@pytest.mark.parametrize("part", SAME_CLAIMS)
def test_the_chinese_text_makes_the_same_claim(part: str) -> None:
    wanted, banned = SAME_CLAIMS[part]
    texts = [str(m.string) for m in messages.read("zh") if m.id and part in str(m.id)]
    assert texts
    assert all(wanted in text and not (banned and banned in text) for text in texts)
