"""A teacher: a larger model that answers requests, whose replies are kept so that none is paid for twice."""

from gradus.config.teacher import Teacher as TeacherSettings
from gradus.teacher.cache import cache_of
from gradus.teacher.cost import Estimate, as_summary, estimate
from gradus.teacher.requests import Cut, Failure, Reply, Request, Unusable, Usage, in_order
from gradus.teacher.structured import ask_json
from gradus.teacher.teacher import Teacher, open_teacher

__all__ = [
    "Cut", "Estimate", "Failure", "Reply", "Request", "Teacher", "TeacherSettings", "Unusable", "Usage",
    "as_summary", "ask_json", "cache_of", "estimate", "in_order", "open_teacher",
]  # fmt: skip
