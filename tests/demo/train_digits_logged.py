"""The same training, by a script that logs its metrics itself."""

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

import swanlab

swanlab.init(project="digits", config={"epochs": 20, "eta0": 0.02})
images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images / 16.0, labels, random_state=0)
model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=swanlab.config.eta0, random_state=0)
for _ in range(swanlab.config.epochs):
    model.partial_fit(train_x, train_y, classes=range(10))
    loss = log_loss(test_y, model.predict_proba(test_x))
    swanlab.log({"test/loss": loss, "test/acc": model.score(test_x, test_y)})
swanlab.finish()
