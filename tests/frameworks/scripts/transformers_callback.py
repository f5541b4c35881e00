"""The same Trainer with the callback of swanlab.integration."""

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

from swanlab.integration.transformers import SwanLabCallback

set_seed(0)
model = GPT2LMHeadModel(GPT2Config(vocab_size=32, n_positions=8, n_embd=8, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=0))
data = [{"input_ids": tokens, "labels": tokens} for tokens in torch.randint(0, 32, (32, 8))]
arguments = TrainingArguments(
    output_dir="out", report_to="none", num_train_epochs=2, per_device_train_batch_size=8,
    logging_steps=2, eval_strategy="epoch", save_strategy="epoch", learning_rate=0.01, use_cpu=True, disable_tqdm=True,
)
callback = SwanLabCallback(project="language", experiment_name="tiny gpt", tags=["cpu"])
trainer = Trainer(model=model, args=arguments, train_dataset=data, eval_dataset=data[:8], callbacks=[callback])
trainer.train()
trainer.predict(data[:8])
callback.update_config({"note": "done"})
