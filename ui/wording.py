"""Every word the interface says, in Chinese and English. The article and the answers are not interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from index.paragraphs import Language

# The `lang` attribute of an interface or article language.
LANG: dict[Language, str] = {"zh": "zh-Hans", "en": "en"}


@dataclass(frozen=True, slots=True)
class Words:
    """One thing the interface says. `{name}` is filled in by `say`."""

    zh: str
    en: str

    def say(self, language: Language, **values: Any) -> str:
        """The words in `language` with `values` filled in; plain text, to be escaped where it is drawn."""
        text = self.zh if language == "zh" else self.en
        return text.format(**values) if values else text


WORDING: dict[str, Words] = {
    # --- the frame
    "skip_to_question": Words("跳到提问框", "Skip to the question box"),
    "skip_to_article": Words("跳到文章", "Skip to the article"),
    "conversation": Words("对话", "Conversation"),
    "article": Words("文章", "Article"),
    "panes": Words("对话与文章", "Conversation and article"),
    "to_other_language": Words("切换到英文界面", "Show the interface in Chinese"),
    "theme": Words("明暗：随系统、浅色、深色", "Appearance: system, light, dark"),
    "theme_auto": Words("外观随系统", "Appearance follows the system"),
    "theme_light": Words("浅色外观", "Light appearance"),
    "theme_dark": Words("深色外观", "Dark appearance"),
    "menu": Words("保存与新对话", "Keep or start anew"),
    "export_markdown": Words("导出 Markdown", "Export as Markdown"),
    "export_json": Words("导出 JSON", "Export as JSON"),
    "new_conversation": Words("新对话", "New conversation"),
    "confirm_new": Words("清空这次对话？此操作不能撤销。", "Clear this conversation? This cannot be undone."),
    "nothing_to_export": Words("还没有可导出的内容。", "There is nothing to export yet."),
    # --- what the models are doing
    "models_starting": Words(
        "检索模型正在打开；现在就可以提问，打开后即答。",
        "Opening the search model; you can ask already and will be answered in a moment.",
    ),
    "models_quotes": Words(
        "写作模型仍在载入：现在提问，会先以原文引句作答。",
        "The writing model is still loading: ask now and quotes from the article are the answer.",
    ),
    "models_failed": Words(
        "写作模型未能载入，以原文引句作答。原因见终端。",
        "The writing model could not be loaded; quotes are the answers. The terminal says why.",
    ),
    "models_search_failed": Words(
        "检索模型未能载入，暂时无法提问。原因见终端。",
        "The search model could not be loaded, so questions cannot be answered. The terminal says why.",
    ),
    "connection_lost": Words("与服务器的连接断了，正在重试。", "The connection to the server is lost; trying again."),
    # --- first page
    "welcome": Words("读它，问它，核对它", "Read it, ask it, check it"),
    "welcome_how": Words(
        "用中文或英文提问。答案的每一句都标出所依据的段落，点 ¶ 就能看到原文；文章没说的，会直说没有。",
        "Ask in Chinese or English. Every sentence of an answer names the paragraph it rests on; "
        "follow the ¶ to the text. What the article does not say, you will be told it does not say.",
    ),
    "suggested": Words("可以从这里问起", "You might ask"),
    "suggested_next": Words("还没读到的部分", "From parts not yet visited"),
    # --- asking
    "question": Words("你的问题", "Your question"),
    "question_hint": Words("问这篇文章…", "Ask the article…"),
    "send": Words("提问", "Ask"),
    "stop": Words("停止", "Stop"),
    "keys": Words("Enter 提问 · Shift+Enter 换行 · / 跳到这里", "Enter asks · Shift+Enter new line · / jumps here"),
    "too_long": Words("问题最多 {limit} 个字符。", "A question may have at most {limit} characters."),
    "asked_next": Words("这一答写完就问", "Asked when this answer is done"),
    "not_next": Words("先不问", "Not yet"),
    "editing": Words(
        "正在修改第 {n} 个问题；其后的问答将被替换。", "Editing question {n}; what follows it will be replaced."
    ),
    "cancel_edit": Words("不改了", "Keep it as it is"),
    "only_paragraph": Words("只看 ¶{n}", "Only ¶{n}"),
    "drop_paragraph": Words("改问全文", "Ask the whole article instead"),
    # --- an exchange
    "exchange": Words("第 {n} 个问题", "Question {n}"),
    "you_asked": Words("你问", "You asked"),
    "whole_question": Words("整个问题", "The whole question"),
    "edit": Words("修改问题", "Edit the question"),
    "undo": Words("撤回这一问", "Take this question back"),
    "retry": Words("重新回答", "Answer again"),
    "copy": Words("复制答案", "Copy the answer"),
    "copied": Words("已复制", "Copied"),
    "understood": Words("理解为", "Understood as"),
    "edit_understood": Words("改写后再问", "Edit and ask again"),
    "ask_as_typed": Words("按原话问", "Ask it as I wrote it"),
    "asked_of": Words("只就 ¶{n} 提问", "Asked of ¶{n} alone"),
    "searching": Words("正在文章里找…", "Looking in the article…"),
    "looking_further": Words(
        "最接近的段落如下，正在判断文章是否作答…", "Nearest so far; deciding whether the article answers…"
    ),
    "writing_soon": Words("以上是原文引句；答案正在写…", "Quotes from the article; the answer is being written…"),
    "waiting_turn": Words(
        "以上是原文引句；前面还有 {n} 个问题在写答案。",
        "Quotes from the article; answers to be written before yours: {n}.",
    ),
    "waiting_turn_nearest": Words(
        "最接近的段落如下；前面还有 {n} 个问题在写答案。",
        "Nearest so far; answers to be written before yours: {n}.",
    ),
    "waiting_models": Words(
        "检索模型还在打开，问题已收下…", "The search model is still opening; your question is kept…"
    ),
    "draft": Words("草稿，写完后逐句核对", "A draft; each sentence is checked when it is done"),
    "quotes_loading": Words(
        "写作模型当时还在载入，先以原文引句作答。", "The writing model was still loading, so quotes are the answer."
    ),
    "judged_loading": Words(
        "写作模型当时还在载入，先只凭检索判断。",
        "The writing model was still loading, so the search alone judged.",
    ),
    "quotes_failed": Words(
        "写作模型未能载入，以下是原文引句。",
        "The writing model could not be loaded; what follows is quoted from the article.",
    ),
    "judged_failed": Words(
        "写作模型未能载入，只凭检索判断。", "The writing model could not be loaded; the search alone judged."
    ),
    "judged_fallback": Words(
        "写作模型这次没有给出答案，只凭检索判断。",
        "The writing model gave no answer this time; the search alone judged.",
    ),
    "quotes_fallback": Words(
        "写作模型这次没有给出站得住的答案，以下是原文引句。",
        "The writing model gave no answer that holds this time; what follows is quoted from the article.",
    ),
    "answer_now": Words("写作模型已就绪，重新回答", "The model is ready now: answer again"),
    "quotes_stopped": Words("已停止，以下是原文引句。", "Stopped; the quotes stay."),
    "stopped": Words("已停止。", "Stopped."),
    "busy": Words(
        "现在提问的人太多（{n} 个问题在等）。请稍后再试。",
        "Too many questions at once ({n} are waiting). Try again in a moment.",
    ),
    "failed": Words("出错了，没有得到答案：", "Something went wrong and there is no answer: "),
    "failed_search": Words(
        "检索模型未能载入，原因见终端。", "the search model could not be loaded; the terminal says why."
    ),
    "failed_question": Words("问题里有半个字符，请重新输入。", "the question holds half a character; type it again."),
    "failed_told": Words("程序答不了这一问，原因见终端。", "the program could not answer it; the terminal says why."),
    "failed_inside": Words("程序内部错误，详情见终端。", "an error inside the program; the terminal has the details."),
    "answer_ready": Words("答案写好了。", "The answer is ready."),
    "quotes_ready": Words("找到了原文引句。", "Quotes found."),
    "unanswered_aside": Words(
        "没有收到回应；现在写的这一问发出后，那一问会回到提问框。",
        "Nothing came back; that question returns to the box once you have sent the one you are writing.",
    ),
    "unanswered": Words("没有收到回应，问题已放回提问框。", "Nothing came back; your question is in the box again."),
    # --- verdicts and citations
    "supported": Words("有据", "Supported"),
    "partial": Words("部分有据", "Partly supported"),
    "unsupported": Words("未找到依据", "Not found in the article"),
    "cites": Words("依据第 {n} 段，转到原文", "Paragraph {n}: go to the text"),
    "sources": Words("引文对照（{n}）", "Quotes side by side ({n})"),
    "no_counterpart": Words("这一段只有一种语言。", "This paragraph was published in one language only."),
    "closest": Words("文中最接近的段落，不是答案", "Closest in the article, not an answer"),
    "paragraph_does_not_say": Words("¶{n} 没有提到这一点。", "¶{n} does not say."),
    "ask_whole": Words("改问全文", "Ask the whole article"),
    "generator_quote": Words("原文引句", "quotes"),
    "generator_local": Words("本机模型", "local model"),
    # --- feedback
    "good": Words("答得好", "Good answer"),
    "bad": Words("答得不好", "Bad answer"),
    "note": Words("哪里好或不好？（可不填）", "What was good or bad? (optional)"),
    "send_note": Words("送出", "Send"),
    "feedback_lost": Words("评价没能存下来，原因见终端。", "Your rating could not be kept; the terminal says why."),
    "thanks": Words("已记下，谢谢。", "Noted, thank you."),
    # --- the article
    "show": Words("显示", "Show"),
    "show_both": Words("对照", "Both"),
    "show_zh": Words("中文", "中文"),
    "show_en": Words("English", "English"),
    "map": Words("阅读图", "Reading map"),
    "map_count": Words("已触及 {n} / {total} 段", "{n} of {total} paragraphs touched"),
    "map_touched": Words("¶{n}，本次对话已引用", "¶{n}, cited in this conversation"),
    "map_untouched": Words("¶{n}", "¶{n}"),
    "opening": Words("开头", "Opening"),
    "link_to": Words("¶{n} 的链接", "Link to ¶{n}"),
    "link_copied": Words("¶{n} 的链接已复制", "Link to ¶{n} copied"),
    "ask_about": Words("问这一段", "Ask about this ¶"),
    "ask_about_n": Words("问这一段：¶{n}", "Ask about this ¶: {n}"),
    "back": Words("回到答案", "Back to the answer"),
    "went_to": Words("已转到 ¶{n}", "Now at ¶{n}"),
    "one_language": Words("此段仅有中文", "This paragraph was published in Chinese only"),
    "one_language_en": Words("此段仅有英文", "This paragraph was published in English only"),
    "figure": Words("图", "Figure"),
    "timeline": Words("时间线", "Timeline"),
    "footnote": Words("注", "Note"),
}
