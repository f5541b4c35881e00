"""OpenAI's client asks the server at OPENAI_BASE_URL twice, the second time for a stream, and once more unrecorded."""

from swanlab.integration.openai import autolog

autolog(init={"project": "chats", "experiment_name": "hello"})
question = {"model": "tiny", "messages": [{"role": "user", "content": "2 + 2?"}]}
print(autolog.client.chat.completions.create(**question).choices[0].message.content)
for piece in autolog.client.chat.completions.create(**question, stream=True):
    print(piece.choices[0].delta.content)
autolog.disable()
print(autolog.client.chat.completions.create(**question).choices[0].message.content)
