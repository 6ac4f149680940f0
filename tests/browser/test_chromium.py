"""Finding and getting a Chromium, and the fixtures that the browser tests stand on."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import chromium
import pytest

BAD = "DECONVVIZ_CHROMIUM='/nowhere/chrome' does not start as a Chromium: correct it, or unset it"


def fake_chromium(folder: Path, name: str = "chromium") -> Path:
    """A program that answers --version like a Chromium."""
    program = folder / name
    program.write_text("#!/bin/sh\necho Chromium 1.2.3\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """A machine without a browser; the commands run on it are collected instead of run, except --version."""
    monkeypatch.delenv("DECONVVIZ_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    commands: list[list[str]] = []
    really = subprocess.run

    def collect(command: list[str], **options: Any) -> Any:
        if "--version" in command:
            return really(command, **options)
        commands.append(command)
        return subprocess.CompletedProcess(command, 1, "", "")

    monkeypatch.setattr(chromium.subprocess, "run", collect)
    return commands


def test_a_named_chromium_that_does_not_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECONVVIZ_CHROMIUM", "/nowhere/chrome")
    with pytest.raises(chromium.ChromiumError) as caught:
        chromium.find()
    assert str(caught.value) == BAD


def test_a_named_chromium_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bare: list[list[str]]) -> None:
    fake_chromium(tmp_path)
    mine = fake_chromium(tmp_path, "mine")
    monkeypatch.setenv("DECONVVIZ_CHROMIUM", str(mine))
    assert chromium.find() == str(mine)


def test_one_on_path_is_found_and_nothing_is_installed(tmp_path: Path, bare: list[list[str]]) -> None:
    program = fake_chromium(tmp_path, "google-chrome")
    assert chromium.get() == str(program)
    assert bare == []


def test_one_that_does_not_start_is_passed_over(tmp_path: Path, bare: list[list[str]]) -> None:
    (tmp_path / "chromium").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "chromium").chmod(0o755)
    program = fake_chromium(tmp_path, "chromium-browser")
    assert chromium.find() == str(program)


def test_root_with_apt_installs_debians(
    tmp_path: Path, bare: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_chromium(tmp_path, "apt-get")
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    with pytest.raises(chromium.ChromiumError, match="No Chromium was found or could be got"):
        chromium.get()
    asked = [command for command in bare if command[0] == "apt-get"]
    assert [command[4] for command in asked] == ["update", "install"]
    assert all(command[2:4] == ["-o", "DPkg::Lock::Timeout=120"] for command in asked), "it waits for its turn"
    assert bare[-2][1:] == ["-m", "playwright", "install", "chromium"], "Playwright's own comes last"
    assert "installing Debian's chromium" in capsys.readouterr().out


def test_others_get_playwrights_own(bare: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000)
    with pytest.raises(chromium.ChromiumError, match=r"DECONVVIZ_CHROMIUM=/path"):
        chromium.get()
    assert not any(command[0] == "apt-get" for command in bare)
    assert any(command[1:] == ["-m", "playwright", "install", "chromium"] for command in bare)


def test_the_pages_have_the_promised_sizes_and_report_errors(page: Any, phone: Any) -> None:
    for seen, size in ((page, [1440, 900]), (phone, [390, 844])):
        seen.goto("about:blank")  # what was open could not be left
        seen.set_content("<p>hello</p>")
        assert seen.evaluate("[innerWidth, innerHeight]") == size
        assert seen.inner_text("p") == "hello"
