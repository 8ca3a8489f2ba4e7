"""How injections are worded: rules by what they say of a message, each in several languages."""

# ruff: noqa: E501, RUF001
# One wording a line, however long; and letters of other scripts than Latin, which is the point.

import re
from collections.abc import Mapping

_BEFORE = r"(?:previous|prior|above|earlier|preceding|former|existing|original|initial|all (?:of )?(?:your|the|my)|all|any|your|system|these|those)"
_RULES = r"(?:instructions?|prompts?|rules|guidelines|directions|directives|commands|programming|training|guardrails|restrictions|safety|context)"
_GAP = r"[^.!?\n]{0,40}?"

RULES: Mapping[str, re.Pattern[str]] = {
    "ignores instructions": re.compile(
        rf"\b(?:ignore|disregard|forget|override|overrule|bypass|drop|skip|neglect|do not (?:follow|obey)|don'?t (?:follow|obey)|stop following)\b(?: \w+){{0,3}}? {_BEFORE}\b(?: \w+){{0,4}}? ?{_RULES}\b"
        rf"|\b(?:ignore|disregard|forget) (?:everything|all|anything) (?:\w+ ){{0,2}}?(?:above|before|prior|previous|you (?:were|have been|know))"
        rf"|\b(?:ignore|disregard|forget|stop following) (?:the )?{_RULES} (?:that )?(?:you (?:were|have been)|were) (?:given|told)\b"
        rf"|\b(?:vergiss|ignoriere?|missachte|überschreibe?|verwirf)\w*\b{_GAP}(?:anweisung|instruktion|vorgabe|regeln|prompt|befehle|richtlinien)"
        rf"|\b(?:ignore[zrs]?|oublie[zrs]?|néglige[zr]?|contourne[zr]?)\b{_GAP}(?:instructions|consignes|règles|directives)"
        rf"|\b(?:ignora|ignore|olvida|olvide|omite|descarta)\w*\b{_GAP}(?:instrucciones|reglas|indicaciones|órdenes|directrices)"
        rf"|\b(?:ignora|ignori|dimentica|scorda|trascura)\w*\b{_GAP}(?:istruzioni|regole|direttive|indicazioni)"
        rf"|\b(?:ignore|esqueça|esquece|desconsidere|desrespeite)\w*\b{_GAP}(?:instruções|regras|diretrizes|orientações)"
        rf"|\b(?:negeer|vergeet)\b{_GAP}(?:instructies|regels|opdrachten|richtlijnen)"
        rf"|\b(?:zignoruj|ignoruj|zapomnij|pomiń)\b{_GAP}(?:instrukcj|polece|zasad|reguł|wytyczn)"
        rf"|(?:игнорируй|забудь|проигнорируй|отбрось)\w*{_GAP}(?:инструкци|указани|правил|команд)"
        r"|(?:忽略|无视|忘记|忘掉|不要理会|無視)[^。！？\n]{0,20}(?:指令|指示|提示|规则|規則|说明|要求)"
        r"|(?:指示|命令|ルール|プロンプト|指令)[^。！？\n]{0,12}(?:無視|忘れ)"
        r"|(?:yukarıdaki|önceki)[^.!?\n]{0,30}(?:talimat|kural)\w*[^.!?\n]{0,20}(?:yok say|unut|görmezden gel)"
    ),
    "asks for hidden instructions": re.compile(
        r"\b(?:reveal|show|print|repeat|output|display|tell me|give me|write out|dump|leak|quote|expose|return|copy|summari[sz]e|translate|what (?:is|are|was|were))\b"
        r"(?: \w+){0,6}? (?:(?:system|hidden|initial|secret|original|developer|internal|confidential) (?:prompt|instructions?|message|rules|configuration)s?|your (?:prompt|instructions|guidelines|rules)|(?:text|words|everything|all) (?:above|before this)(?! the ))\b"
        rf"|\b(?:zeige?|nenne|verrate?|gib|wiederhole|drucke)\b{_GAP}(?:system-?prompt|systemanweisung|systemnachricht|deine (?:anweisungen|instruktionen|regeln))"
        rf"|\b(?:montre|affiche|révèle|répète|donne)\w*\b{_GAP}(?:prompt système|instructions (?:système|cachées|initiales|secrètes)|(?:tes|vos) (?:instructions|consignes))"
        rf"|\b(?:muestra|muéstrame|revela|repite|dime|imprime)\w*\b{_GAP}(?:prompt del sistema|instrucciones (?:ocultas|del sistema|iniciales|secretas)|tus instrucciones)"
        rf"|\b(?:mostra|mostrami|rivela|ripeti|dimmi)\w*\b{_GAP}(?:prompt di sistema|istruzioni (?:nascoste|di sistema|iniziali|segrete)|tue istruzioni)"
        rf"|\b(?:mostre|revele|repita|diga)\w*\b{_GAP}(?:prompt d[eo] sistema|instruções (?:ocultas|do sistema|iniciais|secretas)|suas instruções)"
        r"|(?:显示|告诉我|输出|重复|泄露|打印)[^。！？\n]{0,12}(?:系统提示|系统指令|隐藏|提示词)"
        r"|(?:システムプロンプト|隠された指示)[^。！？\n]{0,12}(?:表示|教え|見せ|出力|公開)"
        rf"|(?:покажи|раскрой|выведи|повтори)\w*{_GAP}(?:системн\w+ (?:промпт|инструкци|сообщени)|скрыт\w+ инструкци)"
    ),
    "gives another role": re.compile(
        r"\b(?:you are|you're) (?:now |no longer |going to (?:be|act as) )(?:\w+ ){0,4}?(?:dan|unrestricted|unfiltered|jailbroken|uncensored|evil|bound|restricted|an ai|a different|free|in (?:developer|debug|admin|god|maintenance) mode)\b"
        r"|\b(?:do anything now|jailbreak(?:ed|ing)? mode|(?:developer|god|admin|debug|sudo|maintenance) mode (?:is )?(?:now )?(?:enabled|activated|on|unlocked)|(?:enable|enter|activate|switch (?:in)?to) (?:developer|god|admin|debug|dan|jailbreak|unrestricted) mode)\b"
        r"|\b(?:pretend|act|behave|respond|answer|imagine|roleplay)\b(?: \w+){0,8}? (?:no|without|free of|free from|lack(?:s|ing)?)(?: \w+){0,3}? (?:restrictions|rules|limits|limitations|filters|guidelines|censorship|guardrails|ethics)\b"
        r"|\byour new (?:instruction|task|objective|goal|role|system prompt|directive)s?(?: is| are|:)|(?:^|\n|[.!?] )new (?:instruction|task|objective|goal|role|directive)s?:"
        rf"|\bdu bist (?:jetzt|nun|ab sofort){_GAP}(?:ohne (?:regeln|einschränkungen|filter)|uneingeschränkt|dan\b)"
        rf"|\b(?:tu es|vous êtes) (?:maintenant|désormais){_GAP}(?:sans (?:restrictions?|règles|limites|filtres?)|dan\b)"
        rf"|\b(?:ahora eres|eres ahora|a partir de ahora eres){_GAP}(?:sin (?:restricciones|reglas|límites|filtros)|dan\b)"
        rf"|\b(?:ora sei|da ora sei){_GAP}(?:senza (?:restrizioni|regole|limiti|filtri)|dan\b)"
        r"|(?:你现在是|从现在起你是|假装你)[^。！？\n]{0,20}(?:没有限制|不受限制|无限制|没有任何限制|dan)"
    ),
    "forges a role's mark": re.compile(
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)[^>]{0,20}\|>|\[/?inst\]|<</?sys>>|</?(?:system|system_prompt|instructions)>"
        r"|(?:^|\n)[ \t]*(?:#{1,6} ?|\*\*|\[)?(?:system(?: (?:message|prompt|override|note))?|developer (?:message|prompt|override|note))(?:\*\*|\])? ?:(?!\w)"
        r"|(?:begin|end|new) (?:of )?system (?:prompt|message|override)|\bsystem override\b|\bend of (?:user )?(?:input|message|document)\b.{0,40}(?:system|instruction)"
    ),
    "hides something from the user": re.compile(
        r"\b(?:do not|don'?t|never|without) (?:tell|mention|inform|show|reveal|alert|notify|let|telling|mentioning|informing|showing|alerting|notifying|letting)(?: \w+){0,4}? (?:the |this to the )?(?:users?|human|owner|person|anyone)\b"
        r"|\bsag(?:e|t)? (?:es |das |davon )?(?:dem|der) (?:benutzer|nutzer|anwender)\w* nicht|\bohne (?:es |das )?(?:dem|den|die) (?:benutzer|nutzer|anwender)"
        r"|\b(?:sans|ne) (?:le |rien )?(?:dire|dis|mentionner|informer)[^.!?\n]{0,20}l'utilisateur|\bsin (?:decir|avisar|informar)\w*[^.!?\n]{0,12}usuario"
    ),
    "has others act": re.compile(
        r"\b(?:ais?|llms?|assistants?(?! manager)|language models?|chatbots?|gpt|claude|copilot)\b[^.!?\n]{0,60}\b(?:must|should|please|are (?:instructed|required|ordered)|is (?:instructed|required|ordered)|has to|have to|needs? to)\b[^.!?\n]{0,60}\b(?:instead|send|forward|email|delete|approve|ignore|reveal|include|transfer|upload|call the)\b"
        r"|\b(?:decode|decrypt|unscramble)\b[^.!?\n]{0,60}\b(?:and|then) (?:then )?(?:follow|execute|obey|run|do what|carry out)"
        r"|!\[[^\]\n]{0,80}\]\(https?://[^)\s]{1,200}[?&=/](?:\{|\$|<|\[)"
        r"|\b(?:send|post|upload|forward|exfiltrate)\b[^.!?\n]{0,60}\b(?:conversation|chat history|api keys?|passwords?|credentials|secrets|system prompt)\b[^\n]{0,60}(?:https?://|\S+@\S+)"
    ),
}
"""By what they say of a message. For text in lower case, without double spaces and characters that do not show."""

LOOKALIKES = str.maketrans("аеорсухіѕԁАЕОРСУХІ", "aeopcyxisdAEOPCYXI")
"""Cyrillic letters, and the Latin ones that they look like."""
