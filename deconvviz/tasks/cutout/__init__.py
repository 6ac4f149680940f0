"""Cut an object out of a picture by its class alone: class map, trimap, matting; measured on true mattes.

Nothing is trained. The recognition network was trained on class names, so no mask went into it either.
"""

from pathlib import Path

from deconvviz.catalog import USES, Lazy, Option, Task

#: Where an object is seen: "activity" of any, at the last layer; a class by "evidence" at a middle layer, the others by
#: backward rules down to the pixels.
MAPS = ("activity", "evidence", "gradient", "guided", "deconvnet")
#: The same everywhere: what is left without a network, for comparing.
NOTHING = "nothing"

TASK = Task(
    name="cutout",
    title="Cut an object out of a picture by its class",
    apply=Lazy("deconvviz.tasks.cutout.predict:apply"),
    write=Lazy("deconvviz.tasks.cutout.predict:write"),
    describe=Lazy("deconvviz.tasks.cutout.predict:describe"),
    evaluate=Lazy("deconvviz.tasks.cutout.evaluate:evaluate"),
    figures=("sad", "mse", "grad", "conn", "iou", "iou_threshold"),
    options=(
        Option("class", "The class to cut out; the network's first guess if left out.", keyword="class_name"),
        Option("model", "The recognition network: caltech or squeezenet.", of=USES),
        Option(
            "map", "Where the object is seen (gradient of a named class, else activity).", choices=(*MAPS, NOTHING),
            of=USES,
        ),
        Option("foreground", "Share of the picture that is sure to be object (0.3, of a class 0.2).", float, of=USES),
        Option("background", "Share that is sure to be background (0.2, of a class 0.1).", float, of=USES),
        Option("rim", "Strip at the top and sides that is background (0.05).", float, of=USES, keyword="border"),
        Option("trimap", "Your own seeds instead: white object, black background, grey unknown.", Path),
        Option(
            "seeds", "Strokes of your own over them: pure green is object, pure red is background.", Path,
            keyword="strokes",
        ),
        Option("crop", "Write only what the box around the object holds.", bool, of=("write",)),
        Option("work", "Longer side at which alpha is solved for; 0 for all.", int, of=USES),
        Option("what", "What to measure (figures).", choices=("figures", "robustness", "shares"), of=("evaluate",)),
        Option("limit", "Measure that many pictures only.", int, of=("evaluate",)),
    ),
    sources=("levin2008closed", "he2013guided", "forte2021approximate", "rhemann2009perceptually"),
)  # fmt: skip
