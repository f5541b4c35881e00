"""Train a linear classifier on scikit-learn's handwritten digits. Knows nothing of any tracker: it only prints."""

import sys

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from tqdm import trange

EPOCHS = 20

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images / 16.0, labels, random_state=0)
model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.02, random_state=0)
for epoch in trange(EPOCHS, desc="train", file=sys.stderr):
    model.partial_fit(train_x, train_y, classes=range(10))
    loss = log_loss(test_y, model.predict_proba(test_x))
    accuracy = model.score(test_x, test_y)
    print(f"step={epoch} loss={loss:.4f} acc={accuracy:.4f}")
