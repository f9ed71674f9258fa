"""How much each class counts in the loss."""

import numpy as np


def balanced(counts: np.ndarray) -> np.ndarray:
    """Weights with which all classes count as much, however many pictures they have.

    n / (k n_c), of n pictures of k classes n_c of a class c, as "balanced" means in
    scikit-learn: the weights of all pictures have a mean of 1, so that the learning
    rate keeps its meaning.

    Args:
        counts: The number of training pictures of each class. A class without any is
            not among the k, and its weight is 0.

    Reference:

    - King and Zeng, 2001, "Logistic Regression in Rare Events Data".
    """
    present = counts > 0
    each = counts.sum() / present.sum()
    return np.divide(each, counts, out=np.zeros(len(counts)), where=present)
