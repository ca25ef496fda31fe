// Spelling and grammar of Markdown files by LanguageTool; `.ci/prose` starts it. Code, links and tables' bars are no prose.

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.languagetool.JLanguageTool;
import org.languagetool.Languages;
import org.languagetool.markup.AnnotatedText;
import org.languagetool.markup.AnnotatedTextBuilder;
import org.languagetool.rules.RuleMatch;

public class Prose {
    /** What is no prose, each kind in a group of its own. */
    private static final Pattern MARKUP = Pattern.compile(
            "(?<block>(?m)^[ ]*```[^\\n]*\\n(?s:.*?)^[ ]*```$)"
            + "|(?<code>`[^`]*`)"
            + "|(?<target>(?m)^\\[[\\w-]+\\]: .*$)"
            + "|(?<row>(?m)^\\|[-: |]+\\|$)"
            + "|(?<bar>\\|)"
            + "|(?<link>\\]\\([^)]*\\)|!?\\[|\\])"
            + "|(?<sign>(?m)^[ ]*(?:- |\\d+\\. |#+ )|\\*+|<[^>\\n]*>)");

    public static void main(String[] args) throws Exception {
        Set<String> words = new HashSet<>();
        Set<String> found = new HashSet<>();
        JLanguageTool tool = new JLanguageTool(Languages.getLanguageForShortCode("en-GB"));
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            String exception = line.split("#")[0].trim();
            if (exception.startsWith("rule ")) {
                tool.disableRule(exception.substring(5));
            } else if (exception.startsWith("text ")) {
                found.add(exception.substring(5));
            } else if (!exception.isEmpty()) {
                words.add(exception);
            }
        }
        int wrong = 0;
        for (String file : List.of(args).subList(1, args.length)) {
            String text = Files.readString(Path.of(file));
            for (RuleMatch match : tool.check(prose(text))) {
                String shown = text.substring(match.getFromPos(), match.getToPos()).replace('\n', ' ');
                boolean spelling = match.getRule().isDictionaryBasedSpellingRule();
                if (spelling ? words.contains(shown.replaceAll("'s$|'$", "")) : found.contains(shown)) {
                    continue;
                }
                long line = text.substring(0, match.getFromPos()).chars().filter(c -> c == '\n').count() + 1;
                String message = match.getMessage().replaceAll("<[^>]+>", "");
                System.out.printf("%s:%d: '%s': %s (%s) %s%n", file, line, shown, message, match.getRule().getId(),
                        match.getSuggestedReplacements().stream().limit(3).toList());
                wrong++;
            }
        }
        if (wrong > 0) {
            System.out.printf("%d places: mend them, or list them in %s%n", wrong, args[0]);
            System.exit(1);
        }
    }

    private static AnnotatedText prose(String text) {
        AnnotatedTextBuilder built = new AnnotatedTextBuilder();
        Matcher matcher = MARKUP.matcher(text);
        int at = 0;
        while (matcher.find()) {
            built.addText(text.substring(at, matcher.start()));
            String stands = matcher.group("code") != null ? "Foo"
                    : matcher.group("bar") != null || matcher.group("block") != null ? "\n\n" : "";
            built.addMarkup(matcher.group(), stands);
            at = matcher.end();
        }
        return built.addText(text.substring(at)).build();
    }
}
