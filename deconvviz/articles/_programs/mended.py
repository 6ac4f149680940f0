"""The mended programs, as text: each can be copied and run, and leaves `shown`, `errors`, `score` and `plain`."""

from __future__ import annotations

SEGMENTATION = """import jax, jax.numpy as jnp, numpy as np
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, max_pool

random = np.random.default_rng(0)
N, SIZE, CLASSES = 8, 16, 3  # data of its own: two rectangles on a ground, noise over all
labels = np.zeros((N, SIZE, SIZE), int)
for i in range(N):
    (r, c), (s, d) = random.integers(0, 9, 2), random.integers(0, 9, 2)
    labels[i, r:r + 7, c:c + 6], labels[i, s:s + 5, d:d + 7] = 1, 2
colours = np.array([[0.2, 0.2, 0.2], [0.8, 0.3, 0.2], [0.2, 0.4, 0.8]])
x = (colours[labels] + random.normal(0, 0.2, (N, SIZE, SIZE, 3))).astype(np.float32)
wanted = jax.nn.one_hot(labels, CLASSES)

def network(w, x):
    y = jax.nn.relu(conv(x, w[0], ConvGeometry(padding="SAME")))
    y = max_pool(y, 2)[0]  # one pooling, so ...
    y = jax.nn.relu(conv_adjoint(y, w[1], ConvGeometry(2, "SAME"), x.shape[1:3]))  # ... one decoder doubles
    return conv(y, w[2])  # a score for every class; softmax, since classes exclude each other

def loss(w):
    scores = network(w, x)
    return -(wanted * jax.nn.log_softmax(scores)).sum(-1).mean(), scores

@jax.jit
def step(w):
    (value, scores), slope = jax.value_and_grad(loss, has_aux=True)(w)
    return [a - 0.5 * g for a, g in zip(w, slope)], value, scores

shapes = (3, 3, 3, 12), (3, 3, 12, 12), (1, 1, 12, CLASSES)
w = [jnp.asarray(random.normal(0, 0.3, shape), jnp.float32) for shape in shapes]
for _ in range(150):
    w, value, scores = step(w)
scores = np.asarray(scores, float)
said = scores.argmax(-1)

score, plain = (said == labels).mean(), (labels == 0).mean()  # beside the answer "all is ground"
by_hand = np.mean([np.log(np.exp(s).sum()) - s[k] for s, k in zip(scores.reshape(-1, CLASSES), labels.ravel())])
errors = {"fits": float(said.shape != labels.shape), "loss": abs(float(value) - by_hand) / by_hand}
shown = {"picture": x[0].mean(-1), "wanted": labels[0] / 2, "result": said[0] / 2}
print(score, plain, errors)
"""

FUSION = """import jax, jax.numpy as jnp, numpy as np
from deconvviz.ops import ConvGeometry, conv, conv_adjoint

random = np.random.default_rng(1)
N, SIZE, CLASSES = 8, 16, 2
labels = np.zeros((N, SIZE, SIZE), int)  # a class for every pixel, not one for a picture
for i in range(N):
    r, c = random.integers(1, 8, 2)
    labels[i, r:r + 7, c:c + 6] = 1
x = (0.3 + 0.4 * labels[..., None] + random.normal(0, 0.3, (N, SIZE, SIZE, 3))).astype(np.float32)
half = ConvGeometry(2, "SAME")

def network(w, x):
    y = jax.nn.relu(conv(x, w[0], half))  # an encoder halves twice, so that two decoders return to the size
    z = jax.nn.relu(conv(y, w[1], half))
    y = jax.nn.relu(conv_adjoint(z, w[2], half, y.shape[1:3]))
    y = conv_adjoint(y, w[3], half, x.shape[1:3])
    return (y + conv(x, w[4])) / 2  # the article's fusion: the mean with the picture's own

def loss(w):  # two channels: over one, the softmax is 1 whatever the weights
    scores = network(w, x)
    return -jnp.take_along_axis(jax.nn.log_softmax(scores), labels[..., None], -1).mean(), scores

@jax.jit
def step(w):
    (value, scores), slope = jax.value_and_grad(loss, has_aux=True)(w)
    return [a - 0.5 * g for a, g in zip(w, slope)], value, scores

shapes = (4, 4, 3, 8), (4, 4, 8, 16), (4, 4, 8, 16), (4, 4, CLASSES, 8), (1, 1, 3, CLASSES)
w = [jnp.asarray(random.normal(0, 0.15, shape), jnp.float32) for shape in shapes]
for _ in range(200):
    w, value, scores = step(w)
scores = np.asarray(scores, float)
said = scores.argmax(-1)

score, plain = (said == labels).mean(), (labels == 0).mean()
by_hand = np.log1p(np.exp(np.where(labels == 1, 1, -1) * (scores[..., 0] - scores[..., 1]))).mean()
errors = {"fits": float(said.shape != labels.shape), "loss": abs(float(value) - by_hand) / by_hand}
shown = {"picture": x[0].mean(-1), "wanted": labels[0], "result": said[0]}
print(score, plain, errors)
"""

SWITCHES = """import jax, numpy as np
from deconvviz.data import samples
from deconvviz.metrics import relative_error
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, max_pool, max_unpool

x = np.asarray(samples.load("motorcycle"), np.float32)[:480:10, :720:10]
x = (x / x.max() - x.mean() / x.max())[None]
w = np.random.default_rng(2).normal(0, 0.2, (3, 3, 3, 32)).astype(np.float32)
same, size = ConvGeometry(padding="SAME"), x.shape[1:3]

@jax.jit
def forward(x):
    return max_pool(jax.nn.relu(conv(x, w, same)), 2)

@jax.jit
def backward(g, switches):  # unpool first, then rectify, then the same kernel: tied, not learned
    return conv_adjoint(jax.nn.relu(max_unpool(g, switches, size)), w, same, size)

y, switches = forward(x)  # the switches are what UpSampling2D does not know
unit = np.zeros(y.shape, np.float32)
place = np.unravel_index(np.asarray(y).argmax(), y.shape)
unit[place] = y[place]
result = np.asarray(backward(unit, switches))  # what this unit responds to
everything = np.asarray(backward(y, switches))  # of all units at once: like the picture, but not the picture
moved = np.asarray(backward(y, forward(np.roll(x, 5, axis=2))[1]))  # with another picture's switches

# where nothing is below zero for the rectifier to stop, the map is the derivative of the unit, times its value
derivative = jax.jit(lambda x, g: jax.vjp(lambda x: forward(x)[0], x)[1](g)[0])(x, unit)
errors = {"fits": float(result.shape != x.shape), "derivative": relative_error(result, derivative)}

def likeness(found):
    return np.corrcoef(found.ravel(), x.ravel())[0, 1]

score, plain = likeness(everything), likeness(moved)
shown = {"picture": x[0].mean(-1), "wanted": everything[0].mean(-1), "result": result[0].mean(-1)}
print(score, plain, errors)
"""

CUTOUT = """import numpy as np
from deconvviz.ops import conv

random = np.random.default_rng(3)
ROWS, COLUMNS = 40, 56
truth = np.zeros((ROWS, COLUMNS), bool)  # a picture of its own, since the program reads none
truth[9:27, 17:44] = True
image = (0.25 + 0.5 * truth + random.normal(0, 0.06, truth.shape)).clip(0, 1)

even = np.full((3, 3), 1 / 9)  # three kernels that differ, each read from its own corner
filters = np.stack([even, np.outer([1, 0, -1], [1, 2, 1]) / 8, np.outer([1, 2, 1], [1, 0, -1]) / 8], -1)
padded = np.pad(image, 1, mode="edge")
features = np.zeros((ROWS, COLUMNS, 3))
for r in range(ROWS):
    for c in range(COLUMNS):
        features[r, c] = np.einsum("ij,ijk->k", padded[r:r + 3, c:c + 3], filters)

mask = features[..., 0] > 0.5  # a label for every pixel, not one for all
rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
box = rows[0], columns[0], rows[-1], columns[-1] # one box around what was cut out
cut = np.where(mask, image, 0)

score, plain = (mask & truth).sum() / (mask | truth).sum(), truth.mean()  # beside the mask of everything
fast = np.asarray(conv(padded[None, :, :, None].astype(np.float32), filters[:, :, None].astype(np.float32)))[0]
errors = {"fits": float(mask.shape != image.shape), "features": float(np.abs(fast - features).max())}
shown = {"picture": image, "wanted": np.where(truth, image, 0), "result": cut}
print(score, plain, errors, "box", *map(int, box))
"""

ENHANCEMENT = """import jax, jax.numpy as jnp, numpy as np
from deconvviz.data import samples
from deconvviz.ops import ConvGeometry, conv, conv_adjoint, conv_map

random = np.random.default_rng(4)
picture = np.asarray(samples.load("motorcycle"), np.float32)[:480:10, :720:10].mean(-1)
clean = (picture / picture.max())[None, ..., None]
noisy = clean + random.normal(0, 0.15, clean.shape).astype(np.float32)
size, same = clean.shape[1:3], ConvGeometry(padding="SAME")

def network(w, x):
    y = jax.nn.relu(conv(x, w[0], same))  # convolve: 1 -> 16 channels
    back = conv_adjoint(y, w[1], same, size)  # transposed: 16 -> 1, so that the sum below has one size
    return x + back  # fuse

def loss(w):
    result = network(w, noisy)
    return ((result - clean) ** 2).mean(), result

@jax.jit
def step(w):
    slope, result = jax.grad(loss, has_aux=True)(w)
    return [a - 0.3 * g for a, g in zip(w, slope)], result

w = [jnp.asarray(random.normal(0, 0.1, (3, 3, 1, 16)), jnp.float32) for _ in range(2)]
for _ in range(150):
    w, result = step(w)

def psnr(a, b):
    return float(-10 * np.log10(np.mean((np.asarray(a) - np.asarray(b)) ** 2)))

score, plain = psnr(result, clean), psnr(noisy, clean)  # dB, beside the noisy picture itself
errors = {"fits": float(result.shape != clean.shape), "dot test": conv_map(w[1], same, (8, 9)).dot_test()}
shown = {"picture": noisy[0, ..., 0], "wanted": clean[0, ..., 0], "result": np.asarray(result)[0, ..., 0]}
print(score, plain, errors)
"""
