"""An application that uses OpenAI's own client; it prints what it got as JSON."""
import json, os, sys, threading, time
import openai


def client(key=None):
    with open("/var/run/gateway/key") as file:
        # Without retries, or a failure would not be seen.
        return openai.OpenAI(api_key=key or file.read().strip(), max_retries=0)


def question(text):
    return [{"role": "user", "content": text}]


def everything(chats, embeds):
    """A list, a chat, a stream and embeddings."""
    ask = client()
    listed = {model.id: model.status for model in ask.models.list()}
    chat = ask.chat.completions.create(model=chats, messages=question("What is a Pod?"), max_tokens=12)
    parts = list(ask.chat.completions.create(
        model=chats, messages=question("What is a Node?"), max_tokens=12,
        stream=True, stream_options={"include_usage": True}))
    texts = ["a Pod", "a Node", "a Pod"]
    vectors = [item.embedding for item in ask.embeddings.create(model=embeds, input=texts).data]
    return {
        "listed": listed,
        "chat": chat.choices[0].message.content,
        "chatTokens": chat.usage.completion_tokens,
        "streamed": "".join(part.choices[0].delta.content or "" for part in parts if part.choices),
        "streamedTokens": parts[-1].usage.completion_tokens,
        "parts": len(parts),
        "sizes": [len(vector) for vector in vectors],
        "same": near(vectors[0], vectors[2]),
        "other": near(vectors[0], vectors[1]),
    }


def near(one, other):
    """The cosine of the angle between two vectors."""
    dot = lambda a, b: sum(x * y for x, y in zip(a, b))
    return dot(one, other) / (dot(one, one) * dot(other, other)) ** 0.5


def refused(key, model):
    """How the client reports a refusal."""
    try:
        client(key).chat.completions.create(model=model, messages=question("Hello"))
    except openai.APIStatusError as error:
        return {"error": type(error).__name__, "status": error.status_code, "message": error.message}
    return {"error": None}


def one(model):
    """One chat, and how long it took."""
    began = time.monotonic()
    chat = client().chat.completions.create(model=model, messages=question("Hello"), max_tokens=8)
    return {"content": chat.choices[0].message.content, "seconds": time.monotonic() - began}


def alternately(text, tokens, *models):
    """What each answers to the same question, one after the other, and by which name the server knows it."""
    ask = client()
    answers = []
    for model in models:
        chat = ask.chat.completions.create(
            model=model, messages=question(text), max_tokens=int(tokens), temperature=0,
            extra_body={"ignore_eos": True})
        answers.append({"asked": model, "by": chat.model, "content": chat.choices[0].message.content})
    return answers


def streams(model, tokens, at_once, until):
    """Streams without a pause until a file exists."""
    streamed = []

    def run(number):
        ask = client()
        turn = 0
        while not os.path.exists(until):
            turn += 1
            streamed.append(stream(ask, model, f"Story {turn} of {number}, please.", int(tokens)))

    threads = [threading.Thread(target=run, args=[number]) for number in range(int(at_once))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return streamed


def stream(ask, model, text, tokens):
    try:
        parts = list(ask.chat.completions.create(
            model=model, messages=question(text), max_tokens=tokens, stream=True,
            stream_options={"include_usage": True}, extra_body={"ignore_eos": True}))
        return {"tokens": parts[-1].usage.completion_tokens, "model": parts[-1].model}
    except Exception as error:
        time.sleep(1)
        return {"error": repr(error)}


functions = {f.__name__: f for f in (everything, refused, one, alternately, streams)}
print(json.dumps(functions[sys.argv[1]](*sys.argv[2:])))
