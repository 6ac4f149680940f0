"""What `make ship` does, without training anything: the stages in their order, what they write, and that they go on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ship
from PIL import Image

from deconvviz.errors import DeconvvizError
from deconvviz.models import held_out, inverters
from deconvviz.training.inverter import files as inverter_files

OLD, NEW = "32 filters: 56% old", "32 filters: 10% new"


class Commands(list[tuple[str, ...]]):
    """Stands in for the commands that stages run: keeps them, and writes what each would."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = ""

    def __call__(self, plan: ship.Plan, *command: str | Path, into: Path | None = None) -> None:
        line = tuple(map(str, command))
        if self.broken and self.broken in " ".join(line):
            raise DeconvvizError("power cut")
        self.append(line)
        if into:
            into.write_text(json.dumps({"psnr": 20.5, "images": 2}) + "\n")
        if line[0] == "scripts/shipped_atlas.py":
            Path(line[1]).mkdir()
            (Path(line[1]) / "atlas.json").write_text("new")

    def told(self) -> str:
        return "\n".join(" ".join(line) for line in self)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    found = Commands()
    monkeypatch.setattr(ship.Plan, "call", lambda plan, *command, into=None: found(plan, *command, into=into))
    return found


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ship.Plan:
    """A finished run, data sets of two pictures, and a project whose files may be written over."""
    root, weights = tmp_path / "project", tmp_path / "project" / "deconvviz" / "models" / "weights"
    for folder, names in (
        ("deconvviz/models/weights", ("caltech.safetensors", "inverters.safetensors", "held_out.json")),
        ("deconvviz/checks/audit", ("shipped.json",)),
    ):
        (root / folder).mkdir(parents=True)
        for name in names:
            shutil.copy(ship.ROOT / folder / name, root / folder / name)
    (root / "deconvviz/atlas/shipped").mkdir(parents=True)
    (root / "deconvviz/atlas/shipped/old.png").write_text("old")
    (weights / "caltech.md").write_text(f"| a | b |\n| first layer | {OLD} |\n")
    run = tmp_path / "run"
    run.mkdir()
    write_run(run, 1.0)
    (run / "caltech.md").write_text(f"| a | c |\n| first layer | {NEW} |\n| snapshots | 1 |\n")
    data = tmp_path / "data"
    for name in ("caltech101", "matting", "imagenet_samples"):
        (data / name).mkdir(parents=True)
    for i, level in enumerate((0, 255)):
        Image.new("RGB", (140, 130), (level,) * 3).save(data / "imagenet_samples" / f"{i}.png")
    monkeypatch.setattr(ship, "ROOT", root)
    monkeypatch.setattr(ship, "WEIGHTS", weights)
    monkeypatch.setattr(held_out, "FILE", weights / "held_out.json")
    monkeypatch.setattr(inverters, "WEIGHTS", weights / "inverters.safetensors")
    return ship.Plan(run, data)


def write_run(run: Path, value: float) -> None:
    from safetensors.numpy import save_file

    save_file({"a": np.full(3, value, np.float32)}, run / "caltech.safetensors")
    for name in ship.FILES[1:3]:
        (run / name).write_text("new")


def stages(plan: ship.Plan, *names: str) -> None:
    """As `make ship`, without the stages that train, photograph or test at length."""
    ship.ship(plan, names)


def test_weights_take_the_place_of_the_old_and_the_card_compares_first_layers(plan: ship.Plan) -> None:
    stages(plan, "weights")
    stages(plan, "weights")
    assert (ship.WEIGHTS / "caltech.safetensors").read_bytes() == (plan.run / "caltech.safetensors").read_bytes()
    assert (ship.WEIGHTS / "caltech_curve.csv").read_text() == "new"
    card = (ship.WEIGHTS / "caltech.md").read_text()
    assert card == f"| a | c |\n| first layer | {NEW} |\n| of the network before | {OLD} |\n| snapshots | 1 |\n"
    assert ship.with_first_layer_before("| x |\n", "| y |\n") == "| x |\n"


def test_inverters_are_trained_by_the_recipes_of_the_package(
    plan: ship.Plan, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed: list[Any] = []
    monkeypatch.setattr(inverter_files, "pack", lambda files, path: packed.append((files, path)))
    commands.broken = "layer='relu3'"
    with pytest.raises(DeconvvizError, match="power cut"):
        stages(plan, "weights", "inverters")
    assert not packed
    for layer in ("relu1", "relu2"):
        (plan.work / "inverters" / layer).mkdir(parents=True)
        (plan.work / "inverters" / layer / "inverter.safetensors").write_text("trained")
    commands.broken = ""
    commands.clear()
    stages(plan, "inverters")
    assert "layer='relu1'" not in commands.told()
    for layer in ("relu3", "relu7"):
        assert f"layer='{layer}', **{{}})" in commands.told()
    for upsampler in ("transposed", "resize", "unpool"):
        options = f"'epochs': 4, 'images': 1024, 'upsampler': '{upsampler}'"
        assert f"layer='relu6', **{{{options}}}" in commands.told()
    ((files, path),) = packed
    assert [file.parent.name for file in files] == [f"relu{i}" for i in range(1, 8)]
    assert path == inverters.WEIGHTS


def test_the_stages_run_what_makes_each_thing_again(plan: ship.Plan, commands: Commands) -> None:
    stages(plan, "results", "measured", "atlas", "audit", "cutout", "generation", "texts", "pictures")
    told = commands.told()
    assert "scripts/ship_results.py" in told
    assert all(f"scripts/ship_measured.py {lesson}" in told for lesson in ship.MEASURED)
    assert "audit --model caltech --images sample:all --out" in told
    assert f"scripts/ship_audit.py {plan.work / 'audit.json'} {plan.work / 'watermark.json'}" in told
    assert "evaluate cutout" in told
    assert "keep_figures.py cutout robustness" in told
    assert 'weights.save_run(file, "generation"' in told
    assert "scripts/ship.py --texts" in told
    assert "scripts/thumbnails.py\nscripts/screenshot.py" in told
    folder = ship.ROOT / "deconvviz" / "atlas" / "shipped"
    assert [path.name for path in folder.iterdir()] == ["atlas.json"]
    mark = json.loads((plan.work / "watermark.json").read_text())
    assert mark["images"] > 0
    assert any(name.endswith("_pointing") for name in mark)


def test_every_lesson_with_measured_numbers_is_measured_again() -> None:
    root = Path(__file__).resolve().parent.parent
    assert {path.parent.name for path in root.glob("lessons/*/measured.json")} == set(ship.MEASURED)


def test_figures_of_other_weights_go_and_inverters_are_measured_on_unseen_pictures(
    plan: ship.Plan, commands: Commands
) -> None:
    stages(plan, "weights", "unseen")
    records = json.loads(held_out.FILE.read_text())
    assert "caltech" not in records
    assert "cutout" not in records
    assert "segmentation" in records
    found = records["inverters"]
    assert found["images"] == 2
    assert found["figures"]["relu7"] == 20.5
    colour = np.float32(inverter_files.file_facts(inverters.WEIGHTS)["layers"]["relu1"]["mean_colour"])
    wanted = [-10 * np.log10(np.square(colour - level).mean()) for level in (0.0, 1.0)]
    assert found["figures"]["mean colour"] == pytest.approx(np.mean(wanted), abs=0.006)
    assert found["weights"] == held_out.fingerprint(inverters.WEIGHTS)


def test_a_stage_that_is_done_is_not_done_again_unless_named_or_of_other_weights(
    plan: ship.Plan, commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = [stage for stage in ship.STAGES if stage.name in ("results", "cutout", "generation")]
    monkeypatch.setattr(ship, "STAGES", few)
    commands.broken = "keep_figures"
    with pytest.raises(DeconvvizError):
        ship.ship(plan)
    commands.broken = ""
    commands.clear()
    ship.ship(plan)
    assert [line[0] for line in commands] == ["-m", "scripts/keep_figures.py", "-m", "-m"]
    ship.ship(plan)
    assert len(commands) == 4
    ship.ship(plan, ["results"])
    assert len(commands) == 5
    write_run(plan.run, 2.0)
    (plan.data / "matting").rmdir()
    commands.clear()
    ship.ship(plan)
    assert [line[0] for line in commands] == ["-c", "scripts/ship_results.py"]
    assert f"cutout: left out, {plan.data} holds no matting" in capsys.readouterr().out


def test_texts_of_the_shipped_weights_are_as_the_command_writes_them() -> None:
    for name, write in (("README.md", ship.readme), ("docs/held-out.md", ship.held_out_page)):
        text = (ship.ROOT / name).read_text("utf-8")
        assert write(text) == text, "python scripts/ship.py --texts"
    with pytest.raises(DeconvvizError, match="the texts have changed"):
        ship.readme("# nothing")


def test_texts_name_no_held_out_figure_of_other_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "measured", lambda name, file: None)
    readme = ship.readme((ship.ROOT / "README.md").read_text("utf-8"))
    page = ship.held_out_page((ship.ROOT / "docs" / "held-out.md").read_text("utf-8"))
    records = held_out.records()
    for name in {"caltech", "inverters"} & set(records):
        figures = records[name]["figures"].values()
        assert not [value for value in figures if f"{value:.2f} dB" in readme or f"{100 * value:.1f} %" in readme]
    rows = [line for line in page.splitlines() if line.endswith(f"| {ship.UNMEASURED} |")]
    assert {row.split(" | ")[0].strip("| ") for row in rows} >= {
        "recognition of photographs, mean per class", "inverters of relu1 to relu7", "a picture of the mean colour",
        "cut-out, no trimap, IoU",
    }  # fmt: skip
    assert readme.count(ship.UNMEASURED) >= 2


def test_a_command_that_fails_ends_everything(tmp_path: Path) -> None:
    plan = ship.Plan(tmp_path, tmp_path)
    with pytest.raises(DeconvvizError, match=r"stage failed: python -c raise SystemExit\(3\)"):
        plan.call("-c", "raise SystemExit(3)")
    plan.call("-c", "print('said')", into=tmp_path / "said")
    assert (tmp_path / "said").read_text() == "said\n"


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ship.main(["--list"]) == 0
    told = capsys.readouterr().out
    assert all(stage.name in told and stage.writes in told for stage in ship.STAGES)
    assert ship.main([str(tmp_path)]) == 2
    assert "holds no caltech.safetensors" in capsys.readouterr().err
    assert ship.main([str(tmp_path), "--only", "atlsa"]) == 2
    assert "there is no stage 'atlsa'" in capsys.readouterr().err
