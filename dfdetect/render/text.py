"""Numbers as text."""


def shown_score(p_fake: float, threshold: float) -> str:
    """A score with 3 decimals, or as many more as bring it to its own side of the threshold.

    Args:
        p_fake: 0 to 1.
        threshold: from here on a score is called fake.
    """
    texts = (f"{p_fake:.{digits}f}" for digits in range(3, 17))
    same = (text for text in texts if (float(text) >= threshold) == (p_fake >= threshold))
    return next(same, repr(p_fake))
