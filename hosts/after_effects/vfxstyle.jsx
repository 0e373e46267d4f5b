// A dockable panel for After Effects: puts a look of vfxstyle on the plate of the selected layer. docs/hosts/after_effects.md
// ECMAScript 3, as ExtendScript has it. Functions by https://ae-scripting.docsforadobe.dev/ (system, ImportOptions,
// FootageSource, Application) and https://extendscript.docsforadobe.dev/ (File, ScriptUI).

var vfxstyle = (function () {
    var COMMAND = "vfxstyle"; // `vfxstyle hosts install` writes its own path here; ssh or wsl with it will do as well
    var POLL = 500; // milliseconds
    var ENDED = "vfxstyle-ended"; // the last line of a log, whatever became of the command
    var own = {state: null, say: function () {}};

    // ---- words and JSON

    function isWindows() {
        return $.os.indexOf("Windows") !== -1;
    }

    own.quoted = function (word) {
        if (isWindows()) {
            return "\"" + String(word).replace(/"/g, "\\\"") + "\"";
        }
        return "'" + String(word).replace(/'/g, "'\\''") + "'";
    };

    own.parse = function (text) {
        if (typeof JSON !== "undefined") {
            return JSON.parse(text);
        }
        var rest = text.replace(/\\./g, "@").replace(/"[^"\\\n\r]*"|true|false|null|-?\d+(?:\.\d+)?(?:[eE][+\-]?\d+)?/g, "]");
        if (!/^[\],:{}\[\s]*$/.test(rest)) {
            throw new Error("This is no JSON: " + text);
        }
        return eval("(" + text + ")"); // nothing but JSON is left
    };

    // the words after the command, as one line that starts it; what it says goes to a file
    own.line = function (words, log, detached) {
        var quoted = [];
        for (var i = 0; i < words.length; i += 1) {
            quoted.push(own.quoted(words[i]));
        }
        var whole = COMMAND + " " + quoted.join(" ");
        if (!detached) {
            return isWindows() ? "cmd.exe /c \"" + whole + "\"" : "/bin/sh -c " + own.quoted(whole + " 2>&1");
        }
        var to = " > " + own.quoted(log) + " 2>&1";
        var end = "echo " + ENDED + " >> " + own.quoted(log);
        if (isWindows()) {
            return "cmd.exe /c \"start \"vfxstyle\" /b cmd.exe /c \"" + whole + to + " & " + end + "\"\"";
        }
        return "/bin/sh -c " + own.quoted("nohup /bin/sh -c " + own.quoted(whole + to + "; " + end) + " < /dev/null &");
    };

    // ---- the plate

    // a sequence as vfxstyle takes it, or the movie; "" for a file that is neither
    own.shotOf = function (source) {
        if (!source || !source.file) {
            return "";
        }
        var path = source.file.fsName;
        var found = /^(.*?)(\d+)(\.[A-Za-z0-9]+)$/.exec(path);
        if (/\.(mov|mp4|mxf|avi|mkv)$/i.test(path) || source.isStill || !found) {
            return path;
        }
        return found[1] + found[2].replace(/\d/g, "#") + found[3];
    };

    own.selectedLayer = function () {
        var comp = app.project.activeItem;
        if (!(comp instanceof CompItem) || comp.selectedLayers.length !== 1) {
            return null;
        }
        var layer = comp.selectedLayers[0];
        return layer.source instanceof FootageItem && own.shotOf(layer.source.mainSource) ? layer : null;
    };

    own.presets = function () {
        var rows = own.parse(system.callSystem(own.line(["presets", "list", "--json"], "", false)));
        var names = [];
        for (var i = 0; i < rows.length; i += 1) {
            if (!rows[i].shadowed_by && !rows[i].error) {
                names.push(rows[i].file.replace(/^.*[\/\\]/, "").replace(/\.safetensors$/, ""));
            }
        }
        return names;
    };

    // ---- running

    own.words = function (shot, chosen) {
        var words = ["grade", shot, "--preset", chosen.preset, "--strength", String(chosen.strength), "--progress", "json"];
        return chosen.frames ? words.concat(["-f", chosen.frames]) : words;
    };

    own.grade = function (chosen) {
        var layer = own.selectedLayer();
        if (own.state) {
            own.say("A grade runs already.");
            return;
        }
        if (!layer) {
            own.say("Select one layer whose source is a sequence, a movie or a picture.");
            return;
        }
        var log = new File(Folder.temp.fsName + "/vfxstyle_" + new Date().getTime() + ".log");
        system.callSystem(own.line(own.words(own.shotOf(layer.source.mainSource), chosen), log.fsName, true));
        own.state = {layer: layer, log: log, preset: chosen.preset};
        own.say("started");
        own.task = app.scheduleTask("vfxstyle.poll()", POLL, true);
    };

    // the last event that the command has told; null before the first
    own.lastEvent = function (text) {
        var lines = text.split(/\r?\n/), last = null;
        for (var i = 0; i < lines.length; i += 1) {
            if (lines[i].charAt(0) === "{" && lines[i].charAt(lines[i].length - 1) === "}") {
                var event = own.parse(lines[i]);
                last = event.event === "note" ? last : event;
            }
        }
        return last;
    };

    // what a log has beside events: what a shell or a fault has said
    own.plainLines = function (text) {
        var lines = text.split(/\r?\n/), plain = [];
        for (var i = 0; i < lines.length; i += 1) {
            if (lines[i] && lines[i].charAt(0) !== "{" && lines[i].indexOf(ENDED) !== 0) {
                plain.push(lines[i]);
            }
        }
        return plain.slice(-3).join(" ");
    };

    own.poll = function () {
        var state = own.state;
        if (!state || !state.log.open("r")) {
            return;
        }
        var text = state.log.read();
        state.log.close();
        var event = own.lastEvent(text), kind = event ? event.event : "";
        if (kind === "done") {
            own.stop();
            own.show(state.layer, event.files, state.preset);
        } else if (kind === "failed") {
            own.stop();
            own.say(event.message);
        } else if (new RegExp("^" + ENDED, "m").test(text)) {
            own.stop();
            own.say("It ended without a result: " + own.plainLines(text));
        } else if (kind === "progress") {
            own.say(event.percent + " %  " + event.stage);
        }
    };

    own.stop = function () {
        app.cancelTask(own.task);
        own.state = null;
    };

    // ---- the result

    own.show = function (layer, files, preset) {
        var plate = layer.source.mainSource;
        app.beginUndoGroup("vfxstyle " + preset);
        var options = new ImportOptions(new File(files[0]));
        if (files.length > 1) {
            options.sequence = true;
            options.forceAlphabetical = false;
        }
        var item = app.project.importFile(options);
        var source = item.mainSource;
        if (!source.isStill && !plate.isStill) {
            source.conformFrameRate = plate.conformFrameRate || plate.displayFrameRate;
        }
        if (source.hasAlpha) {
            source.alphaMode = plate.alphaMode;
            if (plate.alphaMode === AlphaMode.PREMULTIPLIED) {
                source.premulColor = plate.premulColor;
            }
        }
        item.comment = "vfxstyle " + preset + " on " + layer.source.name;
        var graded = layer.containingComp.layers.add(item);
        graded.startTime = layer.startTime;
        graded.inPoint = layer.inPoint;
        graded.outPoint = layer.outPoint;
        graded.moveBefore(layer);
        app.endUndoGroup();
        own.say("done: " + files[0] + ". Give it the colour profile of the plate (Interpret Footage > Colour): scripts cannot.");
        return graded;
    };

    // ---- the panel

    own.panel = function (place) {
        var panel = place instanceof Panel ? place : new Window("palette", "vfxstyle", undefined, {resizeable: true});
        panel.orientation = "column";
        panel.alignChildren = ["fill", "top"];
        var first = panel.add("group");
        first.add("statictext", undefined, "look");
        var looks = first.add("dropdownlist", undefined, []);
        var refresh = first.add("button", undefined, "refresh");
        var second = panel.add("group");
        second.add("statictext", undefined, "strength");
        var strength = second.add("edittext", undefined, "1");
        strength.characters = 5;
        second.add("statictext", undefined, "frames");
        var frames = second.add("edittext", undefined, "");
        frames.characters = 12;
        var start = panel.add("button", undefined, "grade the selected layer");
        var told = panel.add("statictext", undefined, "", {multiline: true});
        told.preferredSize = [260, 60];
        own.say = function (text) {
            told.text = text;
        };
        refresh.onClick = function () {
            looks.removeAll();
            try {
                var names = own.presets();
                for (var i = 0; i < names.length; i += 1) {
                    looks.add("item", names[i]);
                }
                looks.selection = 0;
            } catch (error) {
                own.say(COMMAND + " does not answer: " + error.message);
            }
        };
        start.onClick = function () {
            if (!looks.selection) {
                own.say("Choose a look; refresh lists them.");
                return;
            }
            own.grade({preset: looks.selection.text, strength: strength.text || "1", frames: frames.text});
        };
        if (panel instanceof Window) {
            panel.center();
            panel.show();
        } else {
            panel.layout.layout(true);
        }
        return panel;
    };

    return own;
}());

vfxstyle.panel(this);
