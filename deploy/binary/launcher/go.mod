module crypitor/launcher

go 1.19
