# Completion of the command sgm for bash: source this file, or let make install put it where bash looks.

_sgm() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} sub=${COMP_WORDS[1]} words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="fit sample logp given impute anomaly plot info export selftest explain help --version --help"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    case $before in
    --quality) words="fast good best" ;;
    --for) words="density samples" ;;
    --for) words="density samples" ;;
    --header) words="yes no" ;;
    --separator) words="tab blank" ;;
    --format)
        words="csv npy json png pnm"
        [ "$sub" = export ] && words="c wasm" ;;
    -n|--rows|--seed|--steps|--size|--digits|--threads|--decimal|--kinds|--weight|--drop|--columns)
        return ;;
    -o|--output|--data)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return ;;
    esac
    if [ -n "$words" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    if [[ $word == -* ]]; then # what the help of the command lists
        words=$("${COMP_WORDS[0]}" "$sub" --help 2>/dev/null | grep -o -- '--[a-z]*' | sort -u)
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        return
    fi
    case $sub in
    help)
        words="fit sample logp given impute anomaly plot info export selftest explain"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
    explain)
        words="SGM_BAD_ARGUMENT SGM_NO_MEMORY SGM_NO_FILE SGM_BAD_FILE SGM_MISMATCH SGM_NOT_FINITE SGM_NOT_LEARNT"
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
    sample|logp|given|impute|anomaly|plot|export)
        if [ "$COMP_CWORD" -eq 2 ]; then
            mapfile -t COMPREPLY < <(compgen -f -X '!*.safetensors' -- "$word"; compgen -d -- "$word")
        else mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}
complete -o filenames -F _sgm sgm
