"""What can be asked, and how an answer goes out."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TypeVar

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from llamacli import __version__
from llamacli.chat import ChatSession
from llamacli.engine import Models
from llamacli.errors import BadUsage, UnknownModel
from llamacli.events import Event, Finished, FinishReason, TextDelta
from llamacli.messages import Conversation
from llamacli.runfile import proof_of
from llamacli.sampling import Sampling
from llamacli.server.answers import Answering, check_conversation, classified
from llamacli.server.metrics import Metrics
from llamacli.server.replies import Chunks, model_json, whole
from llamacli.server.residence import Residence, Turns
from llamacli.server.shapes import ChatRequest, ClassifyRequest, Conversing, LlamaRequest, LlamaResponse
from llamacli.server.streams import Stream, streamed, text_of, unless_gone
from llamacli.settings import Settings

T = TypeVar("T")


@dataclass
class House:
    """What all requests share."""

    settings: Settings
    residence: Residence
    turns: Turns
    metrics: Metrics
    token: str
    since: int = field(default_factory=lambda: int(time.time()))
    rating: Lock = field(default_factory=Lock)

    def check_model(self, name: str | None) -> str:
        """The name of the model; UnknownModel where another one is asked for."""
        info = self.residence.info
        assert info is not None
        if name not in (None, "", "auto", info.model):
            raise UnknownModel(f"This server has no model {name!r}, only {info.model!r}.", hint=f"-m {info.model}")
        return info.model

    async def answer(self, conversation: Conversation, wish: "Wish") -> AsyncGenerator[Event, None]:
        """Wait for the turn of a conversation, and answer it."""
        async with self.turns.turn(), self.residence.models() as models:
            answering = Answering(models, self.rating, conversation, wish.session(models))
            last: Event | None = None
            try:
                async with aclosing(answering.events()) as events:
                    async for last in events:
                        if isinstance(last, Finished):
                            self.metrics.finished(last)
                        yield last
            finally:
                if not isinstance(last, Finished):
                    self.metrics.answers[FinishReason.INTERRUPTED.value] += 1


@dataclass(frozen=True, slots=True)
class Wish:
    """How an answer is wanted."""

    sampling: Sampling
    complexity: str
    max_tokens: int | None

    @classmethod
    def of(cls, settings: Settings, asked: ChatRequest | None = None) -> "Wish":
        """As the request has it, and where it says nothing as the settings of the server have it."""
        if asked is None:
            return cls(settings.sampling, settings.complexity, settings.max_tokens)
        names = ("temperature", "top_k", "top_p", "repetition_penalty", "seed")
        given = {name: getattr(asked, name) for name in names if getattr(asked, name) is not None}
        sampling = replace(settings.sampling, **given, stop=asked.stops or settings.stop)
        return cls(sampling, asked.complexity or settings.complexity, asked.max_tokens or settings.max_tokens)

    def session(self, models: Models) -> ChatSession:
        """A conversation under this wish."""
        return ChatSession(models, self.sampling, self.complexity, self.max_tokens)


router = APIRouter()


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


@router.post("/v1/chat/completions")
async def chat_completions(request: Request, asked: ChatRequest) -> Response:
    """Answer a conversation."""
    house = _house(request)
    model = house.check_model(asked.model)
    conversation = asked.conversation()
    check_conversation(conversation)
    events = house.answer(conversation, Wish.of(house.settings, asked))
    if asked.stream:
        chunks = Chunks(model, asked.stream_options)
        return await Stream(streamed(events, chunks.of)).begin(request.receive)
    text, finished = await unless_gone(request.receive, text_of(events))
    return JSONResponse(whole(model, text, finished))


@router.post("/Llama", response_model=LlamaResponse)
async def llama(request: Request, asked: LlamaRequest) -> Response:
    """Answer one prompt, under the budget of its complexity; with `stream`, piece by piece."""
    house = _house(request)
    conversation = Conversation().with_system(house.settings.system).with_prompt(asked.input_data)
    events = house.answer(conversation, Wish.of(house.settings))
    if asked.stream:
        return await Stream(streamed(events, _pieces)).begin(request.receive)
    text, _ = await unless_gone(request.receive, text_of(events))
    return JSONResponse({"output_data": text})


def _pieces(event: Event) -> list[dict[str, str]]:
    return [{"output_data": event.text}] if isinstance(event, TextDelta) else []


@router.get("/v1/models")
async def models(request: Request) -> Response:
    """The model that is served."""
    house = _house(request)
    assert house.residence.info is not None
    return JSONResponse({"object": "list", "data": [model_json(house.residence.info, house.since)]})


@router.get("/v1/models/{name:path}")
async def model(request: Request, name: str) -> Response:
    """The model that is served, by its name."""
    house = _house(request)
    house.check_model(name)
    assert house.residence.info is not None
    return JSONResponse(model_json(house.residence.info, house.since))


@router.post("/v1/tokenize")
async def tokenize(request: Request, asked: Conversing) -> Response:
    """Count the tokens of a conversation, with what the template adds."""
    house = _house(request)
    house.check_model(asked.model)
    async with house.residence.models() as models:
        count = await asyncio.to_thread(models.engine.count_tokens, asked.conversation())
        return JSONResponse({"count": count, "max_model_len": models.engine.info.context_window})


@router.post("/v1/classify")
async def classify(request: Request, asked: ClassifyRequest) -> Response:
    """Rate the complexity of prompts."""
    house = _house(request)
    async with house.residence.models() as models:
        classifier = models.classifier
        if classifier is None:
            raise BadUsage("There is no classifier here.", hint="llamacli serve --complexity auto")
        data = await classified(classifier, house.rating, asked.prompts)
        return JSONResponse({"object": "list", "data": data, "device": classifier.device})


@router.get("/health")
async def health(request: Request) -> Response:
    """Whether the server is up."""
    house = _house(request)
    loaded = house.residence.loaded
    proof = proof_of(house.token, request.headers.get("x-llamacli-nonce", ""))
    return JSONResponse({"status": "ok", "version": __version__, "pid": os.getpid(), "loaded": loaded, "proof": proof})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """What has happened so far, for Prometheus."""
    house = _house(request)
    return PlainTextResponse(house.metrics.text(house.turns, house.residence), media_type="text/plain; version=0.0.4")
