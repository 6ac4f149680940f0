"""Put a trained run of the shipped network in its place, and make again everything that rests on its weights.

    make ship RUN=runs/caltech DATA=data           everything, stage by stage; killed, the same command goes on
    python scripts/ship.py --list                  the stages, what each writes, and what a person has to read then
    python scripts/ship.py RUN --data DATA --only atlas,results

DATA is the folder that DECONVVIZ_DATA names in the tests: `caltech101` (as `deconvviz train caltech` takes it),
`imagenet_samples` and `matting`. A stage whose pictures are not there is left out, and said so. What is done is kept
in RUN/ship, with a fingerprint of the weights: of other weights everything is made anew.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deconvviz.data import preprocess
from deconvviz.data.folder import decode, list_pictures
from deconvviz.errors import DeconvvizError, nearest
from deconvviz.metrics import psnr
from deconvviz.models import caltech, held_out, inverters
from deconvviz.training.checkpoint import write_whole
from deconvviz.training.inverter import files as inverter_files
from deconvviz.training.inverter import recipes

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "deconvviz" / "models" / "weights"
#: What a run leaves, and the package holds.
FILES = ("caltech.safetensors", "caltech_snapshots.safetensors", "caltech_curve.csv", "caltech.md")
#: Lessons with numbers of all photographs at once.
MEASURED = ("adversarial", "occlusion", "removal", "robust", "shuffled")
#: Tests that compare texts and stored results with the weights: what is red in them is for a person.
TESTS = (
    "tests/test_figures.py", "tests/lessons", "tests/models", "tests/atlas", "tests/checks", "tests/methods",
    "tests/tasks", "tests/articles", "tests/training", "tests/test_predict.py", "tests/test_recipe.py",
    "tests/test_docs.py", "tests/test_packaging.py", "deconvviz",
)  # fmt: skip
UNMEASURED = "not measured yet"


@dataclass(frozen=True)
class Plan:
    """Which run goes where.

    Attributes:
      run: the folder that `deconvviz train caltech` wrote.
      data: the folder of the data sets.
    """

    run: Path
    data: Path

    @property
    def work(self) -> Path:
        """Where what is half done lies."""
        return self.run / "ship"

    def call(self, *command: str | Path, into: Path | None = None) -> None:
        """Run a command of Python in the project's folder; a failed one ends everything.

        Args:
          command: its arguments.
          into: a file for what it prints.
        """
        line = [sys.executable, *map(str, command)]
        print("  python", *map(str, command), flush=True)
        environment = os.environ | {"PYTHONPATH": str(ROOT), "DECONVVIZ_DATA": str(self.data.resolve())}
        done = subprocess.run(line, cwd=ROOT, env=environment, stdout=subprocess.PIPE if into else None)
        if done.returncode:
            raise DeconvvizError(f"stage failed: python {' '.join(map(str, command))}; the same command goes on")
        if into:
            into.write_bytes(done.stdout)


@dataclass(frozen=True)
class Stage:
    """One thing that follows from the weights.

    Attributes:
      name: as `--only` takes it.
      make: does it.
      writes: what is new then, for people.
      reads: what a person has to look at or say anew.
      needs: folders in DATA.
    """

    name: str
    make: Callable[[Plan], None]
    writes: str
    reads: str = ""
    needs: tuple[str, ...] = ()


def weights(plan: Plan) -> None:
    """The files of the run; the card says what the first filters of the network before looked like."""
    for name in FILES:
        if not (plan.run / name).is_file():
            raise DeconvvizError(f"{plan.run} holds no {name}: name the folder of a finished run of 'train caltech'")
    kept = plan.work / "before.md"
    if not kept.exists():
        shutil.copy(WEIGHTS / "caltech.md", kept)
    for name in FILES[:-1]:
        shutil.copy(plan.run / name, WEIGHTS / name)
    card = with_first_layer_before((plan.run / "caltech.md").read_text("utf-8"), kept.read_text("utf-8"))
    write_whole(WEIGHTS / "caltech.md", card.encode())


def with_first_layer_before(card: str, before: str) -> str:
    """A card, with the line on the first layer of another one below its own."""
    line = re.compile(r"^\| first layer \| (.*) \|\n", re.M)
    old = line.search(before)
    return line.sub(lambda new: f"{new[0]}| of the network before | {old[1]} |\n", card) if old else card


def train_inverters(plan: Plan) -> None:
    """Each layer's inverter by its recipe in the package, and the three upsamplers of the card."""
    for layer in recipes.OF_LAYER:
        train_inverter(plan, plan.work / "inverters" / layer, layer, {})
    for upsampler in ("transposed", "resize", "unpool"):
        options = {"epochs": 4, "images": 1024, "upsampler": upsampler}
        train_inverter(plan, plan.work / "upsamplers" / upsampler, "relu6", options)
    runs = [plan.work / "inverters" / layer for layer in recipes.OF_LAYER]
    compared = [plan.work / "upsamplers" / name / "inverter.safetensors" for name in ("transposed", "resize", "unpool")]
    inverter_files.pack([run / "inverter.safetensors" for run in runs], inverters.WEIGHTS)
    plan.call("-c", _CARD.format(compared=[str(file.resolve()) for file in compared]))


#: In a process of its own: this one may still hold the network before.
_CARD = """
from pathlib import Path
from deconvviz.models import inverters
from deconvviz.training.inverter.files import card
text = card(inverters.WEIGHTS, [Path(name) for name in {compared}])
inverters.WEIGHTS.with_suffix(".md").write_text(text, encoding="utf-8")
"""


def train_inverter(plan: Plan, out: Path, layer: str, options: dict[str, Any]) -> None:
    """One run, unless it is there; options are what differs from the layer's recipe."""
    if (out / "inverter.safetensors").is_file():
        return
    plan.call(
        "-c", _TRAIN.format(data=str(plan.data.resolve() / "caltech101"), out=str(out), layer=layer, options=options)
    )


_TRAIN = """
from pathlib import Path
from deconvviz.training.inverter.train import train
train(Path({data!r}), Path({out!r}), layer={layer!r}, **{options!r})
"""


def results(plan: Plan) -> None:
    """What pages show before anything is computed."""
    plan.call("scripts/ship_results.py")


def measured(plan: Plan) -> None:
    """What lessons show of all photographs at once."""
    for lesson in MEASURED:
        plan.call("scripts/ship_measured.py", lesson)


def atlas(plan: Plan) -> None:
    """The atlas of the built-in pictures."""
    made, place = plan.work / "atlas", ROOT / "deconvviz" / "atlas" / "shipped"
    plan.call("scripts/shipped_atlas.py", made)
    shutil.rmtree(place)
    shutil.copytree(made, place)


def audit(plan: Plan) -> None:
    """The controls of every method; the watermark's network is another one, and its figures stay."""
    report, mark = plan.work / "audit.html", plan.work / "watermark.json"
    known = json.loads((ROOT / "deconvviz" / "checks" / "audit" / "shipped.json").read_text("utf-8"))
    mark.write_text(json.dumps(known["watermark"] | {"images": known["watermark_pictures"]}), "utf-8")
    plan.call("-m", "deconvviz", "audit", "--model", "caltech", "--images", "sample:all", "--out", report)
    plan.call("scripts/ship_audit.py", report.with_suffix(".json"), mark)


def cutout(plan: Plan) -> None:
    """Overlaps and robustness of the cut-out, which stands on class maps of the network."""
    kept = plan.work / "cutout.json"
    line = ("-m", "deconvviz", "evaluate", "cutout", "--data", plan.data.resolve() / "matting")
    plan.call(*line, "--what", "robustness", "--json", into=kept)
    plan.call("scripts/keep_figures.py", "cutout", "robustness", kept)
    for what in ("figures", "shares"):
        plan.call(*line, "--what", what, "--json", into=plan.work / f"cutout_{what}.json")


def generation(plan: Plan) -> None:
    """What the network says of drawn pictures, in the weights that draw them and on their card."""
    plan.call("-c", _GENERATION.format(data=str(plan.data.resolve() / "caltech101")))


_GENERATION = """
from pathlib import Path
from deconvviz import catalog
from deconvviz.tasks._shared import weights
from deconvviz.tasks.generation import data
from deconvviz.tasks.generation.evaluate import Figures
from deconvviz.tasks.generation.model import model
made, file = model(), weights.shipped("generation")
((variant, about),) = weights.variants("generation").items()
part, held = data.split(Path({data!r}), tuple(about["options"]["labels"]), about["recipe"]["held_out"])
found = {{"trained": len(part), "held_out": len(held)}}
if found != about["data"]:
    raise SystemExit(f"generation was trained on other pictures: {{about['data']}}, here {{found}}")
figures = Figures(made.net, about["options"], made.noise).all(data.read(held), held.classes, data.read(part))
weights.save_run(file, "generation", variant, made.net, about | {{"figures": figures}})
file.with_suffix(".md").write_text(catalog.tasks()["generation"].card(file), encoding="utf-8")
"""


def unseen(plan: Plan) -> None:
    """Inverters on pictures of another data set; figures of other weights go."""
    found = {}
    for layer in inverter_files.file_facts(inverters.WEIGHTS)["layers"]:
        printed = plan.work / f"unseen_{layer}.json"
        line = ("-m", "deconvviz", "evaluate", f"inverter:{layer}", "--data", plan.data.resolve() / "imagenet_samples")
        plan.call(*line, "--json", into=printed)
        found[layer] = json.loads(printed.read_text("utf-8").splitlines()[-1])
    records, colour = json.loads(held_out.FILE.read_text("utf-8")), of_mean_colour(plan.data / "imagenet_samples")
    records["inverters"] = {
        "set": "ImageNet", "images": next(iter(found.values()))["images"],
        "weights": held_out.fingerprint(inverters.WEIGHTS), "variants": [],
        "figures": {layer: round(one["psnr"], 2) for layer, one in found.items()} | {"mean colour": round(colour, 2)},
    }  # fmt: skip
    of_network = held_out.fingerprint(WEIGHTS / "caltech.safetensors")
    for name in ("caltech", "cutout"):
        if name in records and records[name]["weights"] != of_network:
            del records[name]
    write_whole(held_out.FILE, (json.dumps(records, indent=1) + "\n").encode())


def of_mean_colour(folder: Path) -> float:
    """PSNR on these pictures of one that has everywhere the mean colour of the inverters' training pictures."""
    colour = next(iter(inverter_files.file_facts(inverters.WEIGHTS)["layers"].values()))["mean_colour"]
    shown = [preprocess.fit_image(one / np.float32(255), caltech.INPUT) for one in decode(list_pictures(folder))]
    flat = np.broadcast_to(np.float32(colour), shown[0].shape)
    return float(np.mean([psnr(flat, one) for one in shown]))


def texts(plan: Plan) -> None:
    """Figures of network and inverters in the README, on the page of held-out figures and in a docstring."""
    plan.call("scripts/ship.py", "--texts")


def write_texts() -> None:
    """The same, in a process that has read nothing of the weights before."""
    for name, lines in ((ROOT / "README.md", readme), (ROOT / "docs" / "held-out.md", held_out_page)):
        write_whole(name, lines(name.read_text("utf-8")).encode())
    place, now = ROOT / "deconvviz" / "api.py", f"after N = {_listed(_epochs())} epochs"
    write_whole(place, _once(r"after N = [\d, ]+ or \d+ epochs", now, place.read_text("utf-8")).encode())


def readme(text: str) -> str:
    """The README with the paragraphs on network and inverters said anew of what is shipped."""
    *earlier, last = _epochs()
    seen, count = _validation()
    held = held_out.measured("caltech", caltech.WEIGHTS)
    unseen = f"{held['figures']['mean_per_class']:.1%} of {held['images']:,}" if held else UNMEASURED
    size = sum(array.size for array in caltech.load_params().values())
    sentence = (
        f"The shipped network ({size:,} weights, {_megabytes(caltech.WEIGHTS)}) names {seen:.1%} of {count} photographs"
        " that it was not trained on, as the mean over the 102 classes of Caltech-101 "
        f"(held-out photographs: {unseen}; trained on at most 45 a class)"
    ).replace("%", " %")
    text = _once(r"The shipped network \([\d,]+ weights[^)]*\) names[^)]*at most 45 a class\)", sentence, text)
    text = _once(r"after [\d,\s]+ or \d+ of \d+ epochs", f"after {_listed(earlier)} of {last} epochs", text)
    example = 'weights="epoch:{0}")`, or `--weights epoch:{0}`'
    text = _once(re.escape(example).replace(r"\{0\}", r"\d+"), example.format(earlier[3]), text)
    known, rivals = _inverters()
    record = held_out.measured("inverters", inverters.WEIGHTS)
    unseen = UNMEASURED
    if record:
        figures = _listed((f"{record['figures'][layer]:.2f}" for layer in known), "and")
        unseen = f"{figures} dB, where a picture of the mean colour has {record['figures']['mean colour']:.2f} dB"
    figures = _listed((f"{value:.2f}" for value in known.values()), "and")
    sentence = (
        f"The learned inverters of relu1 to relu7 ({_megabytes(inverters.WEIGHTS)} together) bring back "
        f"{record['images'] if record else 500} held-out photographs of ImageNet with {unseen}; the {rivals['count']} "
        f"validation photographs of Caltech-101 with {figures} dB, mean colour {rivals['colour']:.2f} dB"
    )
    text = _once(r"The learned inverters of relu1 to relu7[^`]*mean colour [\d.]+ dB", sentence, text)
    paragraphs = [
        textwrap.fill(" ".join(part.split()), 160, break_long_words=False, break_on_hyphens=False)
        if part.startswith(("The shipped network (", "The learned inverters of"))
        else part
        for part in text.split("\n\n")
    ]
    return "\n\n".join(paragraphs)


def held_out_page(text: str) -> str:
    """The page of held-out figures with its rows on network, inverters and cut-out as they are now."""
    seen, count = _validation()
    known, rivals = _inverters()
    network = held_out.measured("caltech", caltech.WEIGHTS)
    record, cut = held_out.measured("inverters", inverters.WEIGHTS), held_out.measured("cutout", caltech.WEIGHTS)
    pictures_of, layers = (
        f"Caltech-101, {rivals['count']} pictures",
        ", ".join(f"{value:.2f}" for value in known.values()),
    )
    unseen = "ImageNet, {} pictures".format(record["images"] if record else 500)
    rows = {
        "recognition of photographs, mean per class": (
            f"Caltech-101, {count} pictures", f"{100 * seen:.1f} %", "Caltech-101, 2,995 pictures",
            f"{100 * network['figures']['mean_per_class']:.1f} %" if network else UNMEASURED,
        ),
        "inverters of relu1 to relu7": (
            pictures_of, f"{layers} dB", unseen,
            ", ".join(f"{record['figures'][layer]:.2f}" for layer in known) + " dB" if record else UNMEASURED,
        ),
        "a picture of the mean colour": (
            pictures_of, f"{rivals['colour']:.2f} dB", unseen,
            f"{record['figures']['mean colour']:.2f} dB" if record else UNMEASURED,
        ),
    }  # fmt: skip
    for title, cells in rows.items():
        text = _once(rf"^\| {re.escape(title)} \|.*$", " | ".join([f"| {title}", *cells]) + " |", text)
    if cut is None:
        row = r"^(\| cut-out, no trimap, IoU \|.*\|) [^|]+ \|$"
        text = _once(row, lambda found: f"{found[1]} {UNMEASURED} |", text)
    return text


def _once(pattern: str, new: str | Callable[[re.Match[str]], str], text: str) -> str:
    """A text with the one place that a pattern finds said anew."""
    said = new if callable(new) else lambda _: new
    found, count = re.subn(pattern, said, text, count=1, flags=re.M)
    if count != 1:
        raise DeconvvizError(f"the texts have changed: nothing matches {pattern!r}")
    return found


def _listed(values: Iterable[Any], last_but: str = "or") -> str:
    *rest, last = map(str, values)
    return f"{', '.join(rest)} {last_but} {last}"


def _megabytes(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"


def _epochs() -> list[int]:
    return [snapshot.epoch for snapshot in caltech.snapshots()]


def _validation() -> tuple[float, int]:
    """Mean per class of the shipped network, and of how many pictures."""
    about = json.loads(caltech.build().about["figures"])
    return float(about["validation"]["mean_per_class"]), int(about["validation_images"])


def _inverters() -> tuple[dict[str, float], dict[str, Any]]:
    """Layer -> PSNR on the validation pictures; how many these are, and that of the mean colour."""
    layers = inverter_files.file_facts(inverters.WEIGHTS)["layers"]
    first = next(iter(layers.values()))
    rivals = {"count": first["validation_images"], "colour": first["mean_colour_figures"]["psnr"]}
    return {layer: layers[layer]["figures"]["psnr"] for layer in sorted(layers)}, rivals


def pictures(plan: Plan) -> None:
    """The course map's pictures and the README's, in a browser."""
    plan.call("scripts/thumbnails.py")
    plan.call("scripts/screenshot.py")


def check(plan: Plan) -> None:
    """Lists what still says something of the network before: red tests, kept in RUN/ship/red.txt."""
    line = [sys.executable, "-m", "pytest", "-q", "-m", "not browser and not deep and not zoo and not peers", *TESTS]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    red = [row for row in done.stdout.splitlines() if row.startswith(("FAILED", "ERROR"))]
    (plan.work / "red.txt").write_text("\n".join(red) + "\n", "utf-8")
    print("\n".join(["  for a person:", *(f"    {row}" for row in red)]) if red else "  every test is green")


STAGES = (
    Stage(
        "weights", weights, "deconvviz/models/weights/caltech.*: weights, snapshots, curve, card",
        "lessons/growth (epochs and accuracies in scenes and questions), deconvnet, fields and sparse_code (units and "
        "numbers that scenes name), the doctest of models.caltech.build; who has "
        "held-out pictures measures them: deconvviz evaluate caltech --data DIR",
    ),
    Stage(
        "inverters", train_inverters, "deconvviz/models/weights/inverters.*: seven decoders and their card",
        "lessons/learned_inversion: which layer is still legible",
        ("caltech101",),
    ),
    Stage(
        "generation", generation, "deconvviz/tasks/weights/generation.*: what the network says of drawn pictures",
        "the words on motorbikes and faces in lessons/generation; the decoders themselves were trained with the early "
        "features of the network before", ("caltech101",),
    ),
    Stage(
        "results", results, "lessons/_kit/run/shipped.safetensors: ladder, sheets, visions, unit maps, growth",
        "sentences of ladder, inversion, visualization, growth, four rules and DeconvNet that name what is seen; the "
        "channels that scenes name",
    ),
    Stage(
        "measured", measured, "lessons/{adversarial,occlusion,removal,robust,shuffled}/measured.json",
        "sentences of these lessons with a class name or a count in them, and their questions",
    ),
    Stage(
        "atlas", atlas, "deconvviz/atlas/shipped", "lessons/top_nine: which channel a scene or a question shows",
    ),
    Stage(
        "audit", audit, "deconvviz/checks/audit/shipped.json, the tables of README.md and docs/audit.md",
        "the paragraphs beside these tables, and the cards of the methods that draw a conclusion",
    ),
    Stage(
        "cutout", cutout, "deconvviz/tasks/weights/cutout_robustness.json",
        "docs/cutout.md (its table and words, from RUN/ship/cutout_*.json), claims C8 and C11", ("matting",),
    ),
    Stage(
        "unseen", unseen, "deconvviz/models/weights/held_out.json: inverters on ImageNet; figures of other weights go",
        "docs/cutout.md and lessons/cutout, where a figure went", ("imagenet_samples",),
    ),
    Stage(
        "texts", texts, "figures of network and inverters in README.md, docs/held-out.md and dv.load's docstring",
        "how the splits were made, in docs/held-out.md",
    ),
    Stage(
        "pictures", pictures, "the course map's thumbnails, docs/laboratory.png",
        "all of them, light and dark: is anything cut, empty or out of date",
    ),
    Stage(
        "check", check, "RUN/ship/red.txt: tests that compare sentences, claims and stored results with the network",
        "each red line: what it says of the network before is said anew, in English and Chinese",
    ),
)  # fmt: skip


def done(plan: Plan) -> list[str]:
    """Names of the stages that were made of these weights."""
    file, mark = plan.work / "done.json", held_out.fingerprint(plan.run / FILES[0])
    kept = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    if kept.get("weights") != mark and plan.work.exists():
        shutil.rmtree(plan.work)
    return list(kept["stages"]) if kept.get("weights") == mark else []


def ship(plan: Plan, chosen: Sequence[str] = ()) -> None:
    """Every stage, or those chosen, that is not yet done."""
    if not (plan.run / FILES[0]).is_file():
        raise DeconvvizError(f"{plan.run} holds no {FILES[0]}: name the folder of a finished run of 'train caltech'")
    finished = done(plan)
    plan.work.mkdir(exist_ok=True)
    for stage in STAGES:
        if stage.name not in chosen if chosen else stage.name in finished:
            continue
        missing = [name for name in stage.needs if not (plan.data / name).is_dir()]
        if missing:
            print(f"{stage.name}: left out, {plan.data} holds no {' and '.join(missing)}", flush=True)
            continue
        print(f"{stage.name}: {stage.writes}", flush=True)
        started = time.perf_counter()
        stage.make(plan)
        finished = [*dict.fromkeys([*finished, stage.name])]
        text = json.dumps({"weights": held_out.fingerprint(plan.run / FILES[0]), "stages": finished})
        write_whole(plan.work / "done.json", text.encode())
        print(f"  {(time.perf_counter() - started) / 60:.1f} minutes; then read: {stage.reads or '-'}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 0, or 2 with one line of what is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?", help="the folder of a finished run of 'deconvviz train caltech'")
    parser.add_argument("--data", type=Path, default=Path("data"), help="the folder of the data sets")
    parser.add_argument("--only", default="", help="stages, with commas between; they are made again")
    parser.add_argument("--texts", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="print the stages and end")
    options = parser.parse_args(arguments)
    names = [stage.name for stage in STAGES]
    chosen = [name for name in options.only.split(",") if name]
    try:
        for name in chosen:
            if name not in names:
                raise DeconvvizError(f"there is no stage {name!r}; {nearest(name, names)}")
        if options.texts:
            write_texts()
            return 0
        if options.list or options.run is None:
            for stage in STAGES:
                print(f"{stage.name:<11} writes {stage.writes}\n{'':<11} then read {stage.reads}")
            return 0
        ship(Plan(options.run, options.data), chosen)
    except DeconvvizError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
