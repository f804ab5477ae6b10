"""Classifiers on samples whose answer is known, and the numbers beside their accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.softness import (
    StructureFunctions,
    cross_validate,
    feature_weights,
    fit_softness,
    grid_search,
    label_ions,
    make_classifier,
    score,
    split_samples,
)

FUNCTIONS = StructureFunctions.spaced(("Li", "S"), spacing=1.0, cutoff=4.0)  # 8 functions
TRUTH = np.array([0.0, 2.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0]) / np.sqrt(5.0)


@pytest.fixture(scope="module")
def samples():
    """30 ions at 40 times; motion depends on two features, with noise. Features have offsets and scales."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 8))
    y = (x @ TRUTH + rng.normal(0, 0.3, 1200) > 0.2).astype(int)
    ions, times = np.tile(np.arange(30), 40), np.repeat(np.arange(40.0), 30)
    return x * np.linspace(1, 30, 8) + np.linspace(-5, 5, 8), y, ions, times


@pytest.mark.parametrize("kind", ["logistic", "linear-svm", "rbf-svm", "mlp"])
def test_arrays_say_what_scikit_learn_says(samples, kind):
    x, y, *_ = samples
    model = fit_softness(x[:600], y[:600], FUNCTIONS, kind=kind, penalty=2.0)
    pipeline = make_classifier(kind, penalty=2.0)
    with pytest.warns(match="Stochastic") if kind == "mlp" else _nothing():
        pipeline.fit(x[:600], y[:600])
    assert model.predict(x[600:]).tolist() == pipeline.predict(x[600:]).tolist()
    if kind == "mlp":
        logit = model.decision(x[600:])
        np.testing.assert_allclose(1 / (1 + np.exp(-logit)), pipeline.predict_proba(x[600:])[:, 1], rtol=1e-9)
    else:
        np.testing.assert_allclose(model.decision(x[600:]), pipeline.decision_function(x[600:]), rtol=1e-8, atol=1e-9)
    assert score(y[600:], model.predict(x[600:])).balanced_accuracy > 0.8


class _nothing:
    def __enter__(self): ...
    def __exit__(self, *_): ...


def test_softness_is_the_distance_from_the_plane(samples):
    x, y, *_ = samples
    model = fit_softness(x, y, FUNCTIONS)
    assert model.weights @ TRUTH > 0.99
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    weights, intercept = model.arrays["weights"][0], model.arrays["intercept"][0]
    np.testing.assert_allclose(
        model.softness(x), (standard @ weights + intercept) / np.linalg.norm(weights), rtol=1e-8, atol=1e-10
    )
    assert model.softness(x.reshape(40, 30, 8)).shape == (40, 30)
    assert (model.softness(x) > 0).astype(int).tolist() == model.predict(x).tolist()


@pytest.mark.parametrize("kind", ["logistic", "linear-svm", "rbf-svm", "mlp"])
def test_classes_give_the_expected_class(samples, kind):
    x, *_ = samples
    labels = label_ions(((x - x.mean(axis=0)) / x.std(axis=0)) @ TRUTH, "classes", [-0.5, 0.5])
    model = fit_softness(x, labels.values, FUNCTIONS, kind=kind)
    softness = model.softness(x)
    assert 0 <= softness.min() < 0.2
    assert 1.8 < softness.max() <= 2
    assert score(labels.values, model.predict(x), 3).balanced_accuracy > 0.85
    assert labels.balance.sum() == pytest.approx(1.0)


def three_classes(x, noise=0.0):
    measure = ((x - x.mean(axis=0)) / x.std(axis=0)) @ TRUTH
    measure += noise * np.random.default_rng(8).normal(size=len(x))
    return label_ions(measure, "classes", [-0.5, 0.8]).values


@pytest.mark.parametrize("kind", ["linear-svm", "rbf-svm"])
def test_arrays_of_several_classes_say_what_scikit_learn_says(samples, kind):
    x, *_ = samples
    y = three_classes(x, noise=0.5)
    model = fit_softness(x[:800], y[:800], FUNCTIONS, kind=kind, penalty=2.0)
    pipeline = make_classifier(kind, penalty=2.0, n_classes=3).fit(x[:800], y[:800])
    raw = model._scores((x - model.mean) / model.scale)
    if kind == "rbf-svm":
        expected = pipeline.decision_function(x)
        assert raw.argmax(axis=1).tolist() == pipeline.predict(x).tolist()
    else:
        standard = pipeline[0].transform(x)
        low_middle, low_high, middle_high = (m.decision_function(standard) for m in pipeline[-1].estimators_)
        expected = np.stack([-low_middle - low_high, low_middle - middle_high, low_high + middle_high], axis=1)
    np.testing.assert_allclose(raw, expected, rtol=1e-8, atol=1e-9)
    assert (model.predict(x) == pipeline.predict(x)).mean() > 0.9
    right, theirs = ((found[800:] == y[800:]).mean() for found in (model.predict(x), pipeline.predict(x)))
    assert right > max(0.65, theirs - 0.03)
    chances = model._chances(raw)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    np.testing.assert_allclose(model.softness(x), chances @ [0, 1, 2])
    # Probabilities are those with which classes come out, for samples that were not in the fit.
    assert chances[800:].max(axis=1).mean() == pytest.approx(right, abs=0.05)
    np.testing.assert_allclose(chances[800:].mean(axis=0), np.bincount(y[800:]) / 400, atol=0.07)


@pytest.mark.parametrize("kind", ["logistic", "linear-svm", "rbf-svm", "mlp"])
def test_classes_that_training_lacks_never_come_out(samples, kind):
    x, *_ = samples
    y = three_classes(x)
    some = y != 1
    model = fit_softness(x[some], y[some], FUNCTIONS, kind=kind)
    found = model.predict(x[some])
    assert set(found.tolist()) == {0, 2}
    assert (found == y[some]).mean() > 0.95
    softness = model.softness(x)
    assert 0 <= softness.min() < 0.3
    assert 1.7 < softness.max() <= 2
    assert (model.softness(x[y == 2]) > 1).mean() > 0.95


@pytest.mark.parametrize("kind", ["linear-svm", "rbf-svm"])
def test_one_sample_of_a_class_is_enough_for_support_vectors(samples, kind):
    x, *_ = samples
    y = three_classes(x)
    few = np.r_[np.flatnonzero(y == 0)[:40], np.flatnonzero(y == 1)[:40], np.flatnonzero(y == 2)[:1]]
    model = fit_softness(x[few], y[few], FUNCTIONS, kind=kind)
    assert np.isfinite(model.softness(x)).all()
    noise = np.random.default_rng(5).permutation(np.repeat([0, 1, 2], 400))
    nothing = fit_softness(x, noise, FUNCTIONS, kind=kind)
    assert (nothing.arrays["platt"][0] >= 0).all()


def test_standardisation_knows_the_training_samples_only(samples):
    x, y, *_ = samples
    model = fit_softness(x[:300], y[:300], FUNCTIONS)
    np.testing.assert_allclose(model.mean, x[:300].mean(axis=0))
    np.testing.assert_allclose(model.scale, x[:300].std(axis=0))


@pytest.mark.parametrize("kind", ["logistic", "linear-svm", "rbf-svm", "mlp"])
def test_tails_of_empty_functions_have_no_weight(samples, kind):
    x, y, *_ = samples
    tails = x.copy()
    tails[:, 3] = 1e-9 * y  # would tell everything if it were standardised
    model = fit_softness(tails[:600], y[:600], FUNCTIONS, kind=kind)
    expected = model.softness(tails)
    tails[:, 3] = 1e-3
    np.testing.assert_array_equal(model.softness(tails), expected)
    with pytest.raises(InputError, match="features: need structure functions that vary between ions"):
        fit_softness(np.ones_like(x), y, FUNCTIONS)


def test_folds_share_neither_ions_nor_times(samples):
    *_, ions, times = samples
    tested = []
    for fold in split_samples(ions, times, n_folds=5, gap=2.0):
        assert not set(ions[fold.train]) & set(ions[fold.test])
        assert np.abs(times[fold.train][:, None] - times[fold.test]).min() > 2.0
        tested.append(fold.test)
    assert set(ions[np.concatenate(tested)]) == set(range(30))
    assert set(times[np.concatenate(tested)]) == set(np.arange(40.0))
    for kind in ("ion", "time"):
        folds = split_samples(ions, times, kind, n_folds=4)
        assert sorted(np.concatenate([f.test for f in folds]).tolist()) == list(range(1200))
    (only,) = split_samples(ions, times, "random")
    assert len(only.test) == 360
    assert not set(only.train) & set(only.test)


def test_memory_of_ions_is_rewarded_by_random_splits_only():
    """Ions that have a mark of their own and a fate of their own: nothing that other ions could teach."""
    rng = np.random.default_rng(2)
    ions, times = np.tile(np.arange(20), 60), np.repeat(np.arange(60.0), 20)
    x = rng.normal(size=(20, 8))[ions] + rng.normal(0, 0.05, (1200, 8))
    y = np.array([0, 1] * 10)[ions]
    accuracy = {
        kind: cross_validate(x, y, FUNCTIONS, split_samples(ions, times, kind, n_folds=5), kind="rbf-svm").test
        for kind in ("random", "ion-and-time")
    }
    assert accuracy["random"].balanced_accuracy > 0.95
    assert accuracy["ion-and-time"].accuracy < 0.75


def test_cross_validation_finds_what_there_is(samples):
    x, y, ions, times = samples
    folds = split_samples(ions, times, gap=1.0)
    found = cross_validate(x, y, FUNCTIONS, folds)
    assert found.test.balanced_accuracy > 0.85
    assert found.test.matthews > 0.7
    assert 0 < found.error < 0.05
    assert found.weights.shape == (5, 8)
    noise = np.random.default_rng(0).permutation(y)
    nothing = cross_validate(x, noise, FUNCTIONS, folds)
    assert nothing.test.balanced_accuracy < 0.6
    assert nothing.test.matthews < 0.2


def test_scores_of_a_fixed_table():
    # 90 still ions, 10 mobile: 81 and 5 right. MCC = (5*81 - 9*5)/sqrt(14*10*90*86)
    labels = np.repeat([0, 1], [90, 10])
    predicted = np.concatenate([np.repeat([0, 1], [81, 9]), np.repeat([0, 1], [5, 5])])
    found = score(labels, predicted)
    assert found.accuracy == pytest.approx(0.86)
    assert found.majority_accuracy == pytest.approx(0.90)
    assert found.balanced_accuracy == pytest.approx((0.9 + 0.5) / 2)
    assert found.matthews == pytest.approx(360 / np.sqrt(14 * 10 * 90 * 86))
    assert "majority class alone 0.900" in str(found)
    alone = score([0, 0, 0], [0, 1, 0])
    assert np.isnan(alone.balanced_accuracy)
    assert np.isnan(alone.matthews)


def test_errors_of_weights_are_those_of_repeated_samples(samples):
    x, y, ions, _ = samples
    found = feature_weights(x, y, FUNCTIONS, ions)
    assert found.labels == FUNCTIONS.labels
    rng = np.random.default_rng(9)
    repeats = []
    for _ in range(30):
        fresh = rng.normal(size=(1200, 8))
        moved = (fresh @ TRUTH + rng.normal(0, 0.3, 1200) > 0.2).astype(int)
        repeats.append(fit_softness(fresh, moved, FUNCTIONS).weights)
    spread = np.std(repeats, axis=0)
    assert 0.5 < np.median(found.errors / spread) < 2.0
    assert (np.abs(found.values - TRUTH) < 5 * found.errors + 0.02).all()


def test_grid_finds_the_better_features(samples):
    _, y, ions, times = samples
    rng = np.random.default_rng(3)
    signal = y + rng.normal(0, 0.5, len(y))

    def features(functions):
        values = rng.normal(size=(len(y), functions.n_functions))
        if functions.cutoff == 4.0:
            values[:, 0] = signal
        return values

    found = grid_search(
        features, signal, FUNCTIONS, split_samples(ions, times), spacings=[1.0, 2.0], cutoffs=[2.0, 4.0],
        penalties=[0.1, 1.0], thresholds=[0.5, 0.8],
    )  # fmt: skip
    assert found.balanced_accuracy.shape == (2, 2, 2, 2)
    assert found.best["cutoff"] == 4.0
    assert found.balanced_accuracy[:, 1].min() > 0.8
    assert found.balanced_accuracy[:, 0].max() < 0.65
    np.testing.assert_allclose(found.majority[..., 1], 0.8, atol=0.06)


def test_labels():
    measure = np.arange(10.0).reshape(2, 5)
    assert label_ions(measure).values.tolist() == [[0] * 5, [1] * 5]
    assert label_ions(measure, "threshold", 6.0).values.sum() == 3
    assert label_ions(measure, "quantile", 0.9).balance.tolist() == [0.9, 0.1]
    assert label_ions(measure, "classes", [1.5, 7.5]).balance.tolist() == [0.2, 0.6, 0.2]


def test_one_class_only_says_so(samples):
    x, y, ions, times = samples
    sentence = "labels: need ions of at least two classes, got 1200 ions, all of class 0; there is nothing to learn"
    with pytest.raises(InputError, match=sentence):
        fit_softness(x, np.zeros_like(y), FUNCTIONS)
    with pytest.raises(InputError, match=sentence):
        cross_validate(x, np.zeros_like(y), FUNCTIONS, split_samples(ions, times))
    with pytest.raises(InputError, match="all of class 1"):
        feature_weights(x, np.ones_like(y), FUNCTIONS, ions)


def test_models_refuse_other_features_and_species(samples):
    x, y, *_ = samples
    model = fit_softness(x, y, FUNCTIONS, system=("Li", "S"))
    model.check(FUNCTIONS, "Li", ("S", "Li"))
    with pytest.raises(InputError, match="features: need 8 structure functions, as in training, got shape"):
        model.softness(x[:, :5])
    with pytest.raises(InputError, match="model: need Li ions, which the model was trained on, got Na ions"):
        model.check(FUNCTIONS, "Na")
    with pytest.raises(InputError, match="model: need a system of Li, S, as in training, got Cl, Li, S"):
        model.check(FUNCTIONS, "Li", ("Li", "S", "Cl"))
    with pytest.raises(InputError, match="model: need neighbours Li, S, as in training, got Li, Cl"):
        model.check(StructureFunctions.spaced(("Li", "Cl"), spacing=1.0, cutoff=4.0), "Li")
    with pytest.raises(InputError, match="model: need structure functions with positions 0.5 to 3.5"):
        model.check(StructureFunctions.spaced(("Li", "S"), spacing=0.5, cutoff=4.0), "Li")
    with pytest.raises(InputError, match="weights: need a linear model of two classes, got rbf-svm of 2 classes"):
        _ = fit_softness(x, y, FUNCTIONS, kind="rbf-svm").weights


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x, y: fit_softness(x[:9], y, FUNCTIONS), "features: need finite numbers"),
        (lambda x, y: fit_softness(x, y, FUNCTIONS, kind="tree"), "kind: need one of 'logistic', 'linear-svm'"),
        (lambda x, y: fit_softness(x, y, FUNCTIONS, penalty=0.0), "penalty: need a positive C"),
        (lambda x, y: split_samples(y, np.zeros(1200), "time"), "times: need at least 5 different times"),
        (lambda x, y: split_samples(np.arange(9) % 3, np.arange(9.0), "ion"), "ions: need at least 5 different"),
        (lambda x, y: split_samples(np.arange(10), np.arange(10.0), gap=99.0), "gap: need samples further than"),
        (lambda x, y: split_samples(y, y, "leave"), "kind: need one of 'ion-and-time', 'ion'"),
        (lambda x, y: label_ions([1.0, np.nan]), "measure: need finite displacements, got nan"),
        (lambda x, y: label_ions([1.0, 2.0], "quantile", 1.5), "value: need a quantile between 0 and 1, got 1.5"),
        (lambda x, y: label_ions([1.0, 2.0], "classes", [1.0]), "value: need at least two increasing edges"),
        (lambda x, y: label_ions([1.0, 2.0], "median"), "method: need 'quantile', 'threshold' or 'classes'"),
        (lambda x, y: feature_weights(x, y, FUNCTIONS, y), "n_groups: need 2 to 2 groups of ions, got 10"),
        (lambda x, y: score([], []), "predicted: need some classes, got 0"),
    ],
)
def test_arguments_that_make_no_sense(samples, call, sentence):
    x, y, *_ = samples
    with pytest.raises(InputError, match=sentence):
        call(x, y)


def correlated(seed: int, n_ions: int, n_times: int):
    """Ions that keep half of their features and of their luck from time to time."""
    rng = np.random.default_rng(seed)

    def kept(*shape: int):
        return np.sqrt(0.6) * rng.normal(size=(1, n_ions, *shape)) + np.sqrt(0.4) * rng.normal(
            size=(n_times, n_ions, *shape)
        )

    x = kept(8).reshape(-1, 8)
    y = (x @ TRUTH + 0.6 * kept().ravel() > 0.2).astype(int)
    return x, y, np.tile(np.arange(n_ions), n_times), np.repeat(np.arange(float(n_times)), n_ions)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ion-and-time", "ion", "time"])
def test_intervals_of_held_out_accuracies_cover(kind) -> None:
    """The truth is what models of as many samples reach on ions that nobody has seen."""
    fresh, classes, *_ = correlated(99, 4000, 2)
    reached, found = [], []
    for seed in range(100 if kind == "time" else 150):
        x, y, ions, times = correlated(5000 + seed, 30, 10)
        folds = split_samples(ions, times, kind)
        scores = cross_validate(x, y, FUNCTIONS, folds)
        found.append((float(np.nanmean(scores.balanced_accuracy)), scores.error))
        if seed < 25:
            model = fit_softness(x[folds[0].train], y[folds[0].train], FUNCTIONS)
            reached.append(score(classes, model.predict(fresh)).balanced_accuracy)
    values, errors = np.array(found).T
    held = np.abs(values - np.mean(reached)) < 2.776 * errors  # Student's t of five folds
    print(f"{kind}: held {held.mean():.3f}, scatter over error {values.std() / errors.mean():.2f}")
    assert held.mean() >= 0.90
